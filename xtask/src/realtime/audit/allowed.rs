//! What real-time code may call beyond the libraries that are audited, and why.

/// Whether the demangled `name` may be reached.
pub fn is_allowed(name: &str) -> bool {
    ALLOWED.iter().any(|allowed| allowed.takes(name))
}

/// A name that may be reached.
struct Allowed {
    name: Name,
}

enum Name {
    /// This name.
    Is(&'static str),
    /// Every name that begins so.
    Begins(&'static str),
}

impl Allowed {
    fn takes(&self, name: &str) -> bool {
        match self.name {
            Name::Is(whole) => name == whole,
            Name::Begins(part) => name.starts_with(part),
        }
    }
}

const fn is(name: &'static str) -> Allowed {
    Allowed {
        name: Name::Is(name),
    }
}

const fn begins(name: &'static str) -> Allowed {
    Allowed {
        name: Name::Begins(name),
    }
}

/// Functions that are reached but not followed, by their demangled names, each with the reason. One
/// that is no longer reached has to go from here.
pub const NOT_FOLLOWED: &[(&str, &str)] = &[
    (
        "ossicle_io::device::cpal::stream::slow_down",
        "sleeps behind the error callback, when no sound is called for any more",
    ),
    (
        "<alloc::raw_vec::RawVec<ossicle::edit::Change>>::grow_one",
        "the queue looks for room before it takes a change, and never grows",
    ),
    (
        "core::ptr::drop_in_place::<alloc::boxed::Box<ossicle::edit::Edit>>",
        "the queue takes an edit only where it holds none",
    ),
];

/// All that may be reached.
const ALLOWED: &[Allowed] = &[
    // Memory that is there already.
    is("memcpy"),
    is("memmove"),
    is("memset"),
    is("bcmp"),
    // Arithmetic that the processor has no instruction for.
    is("__udivti3"),
    // A panic, and the formatting of its message: the callback is lost then, silenced for good.
    begins("core::panicking::"),
    begins("core::slice::index::"),
    begins("core::option::"),
    begins("core::result::"),
    begins("core::fmt::"),
    begins("<core::fmt::"),
    is("core::slice::copy_from_slice_impl::len_mismatch_fail"),
    // The clock, read from memory that the kernel shares; it is looked for where a stream is made.
    is("<std::time::Instant>::now"),
    is("<std::time::Instant>::elapsed"),
    begins("rustix::backend::vdso_wrappers::"),
    // A thread's own numbers, and which thread it is.
    is("__tls_get_addr"),
    is("pthread_self"),
    // JACK's own functions for its callback.
    is("jack_sys::functions::dynamic_loading::jack_port_get_buffer"),
    is("jack_sys::functions::dynamic_loading::jack_get_cycle_times"),
    is("jack_sys::functions::dynamic_loading::jack_last_frame_time"),
    is("jack_sys::functions::dynamic_loading::jack_frames_since_cycle_start"),
];

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn what_locks_allocates_or_writes_is_not_allowed() {
        for name in [
            "__rustc::__rust_alloc",
            "__rustc::__rust_dealloc",
            "malloc",
            "free",
            "write",
            "syscall",
            "pthread_mutex_lock",
            "std::sys::sync::mutex::futex::Mutex::lock_contended",
            "<std::sys::sync::mutex::futex::Mutex>::lock_contended",
            "std::io::stdio::_eprint",
            "std::thread::functions::sleep",
        ] {
            assert!(!is_allowed(name), "{name}");
        }
    }
}
