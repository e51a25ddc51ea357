//! Sounds held in memory: loaded, started on their frame, faded, many at once.

mod fades;
mod laws;
mod memory;
mod rig;
mod together;

#[global_allocator]
static ALLOCATOR: ossicle::io::realtime::AllocatorGuard =
    ossicle::io::realtime::AllocatorGuard::new();
