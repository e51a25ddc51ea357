//! Keeps libasound from printing: what it says on standard error is returned as errors anyway.

/// From now on libasound prints nothing.
#[cfg(target_os = "linux")]
pub(super) fn silence_alsa() {
    use core::ffi::{c_char, c_int};

    /// The library's handler takes a format and its arguments after these; a callee may leave
    /// arguments unread in the C calling conventions of Linux.
    type Handler = unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_int, *const c_char);

    unsafe extern "C" {
        fn snd_lib_error_set_handler(handler: Option<Handler>) -> c_int;
    }

    unsafe extern "C" fn ignore(
        _file: *const c_char,
        _line: c_int,
        _function: *const c_char,
        _error: c_int,
        _format: *const c_char,
    ) {
    }

    static ONCE: std::sync::Once = std::sync::Once::new();
    // SAFETY: the function only stores the pointer, and `ignore` reads none of its arguments.
    ONCE.call_once(|| unsafe {
        snd_lib_error_set_handler(Some(ignore));
    });
}

#[cfg(not(target_os = "linux"))]
pub(super) fn silence_alsa() {}
