//! Sessions on several simulated devices, each with a clock of its own, with the allocator guard on.

mod bridge;
mod fallback;
mod life;
mod many;
mod memory;
mod plants;
mod silent;
mod world;

use ossicle::io::realtime::AllocatorGuard;

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();
