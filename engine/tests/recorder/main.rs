//! Recordings that cannot lie: every frame is in a file or in the list of gaps, whatever befalls
//! the devices and the disks.

mod bridged;
mod clocks;
mod crashes;
mod faults;
mod names;
mod next_file;
mod owed;
mod reading;
mod rig;
mod room;
mod spill;
mod split;
mod together;

use ossicle::io::realtime::AllocatorGuard;

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();
