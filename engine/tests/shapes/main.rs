//! Chains of any shape: aligned to the frame, and edited without moving what is not edited.

mod alignment;
mod chains;
mod edits;
mod long_run;
mod nodes;

#[global_allocator]
static ALLOCATOR: ossicle::io::realtime::AllocatorGuard =
    ossicle::io::realtime::AllocatorGuard::new();
