//! Real-time scheduling given by rtkit, the D-Bus service of desktops for users without the right.
//!
//! Interface: `org.freedesktop.RealtimeKit1`, <https://github.com/heftig/rtkit>. It gives
//! `SCHED_RR` to threads of a process whose hard `RLIMIT_RTTIME` is low enough.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;

use async_io::Timer;
use zbus::connection::Builder;
use zbus::zvariant::Value;
use zbus::{Connection, Error};

use super::{RtkitRefusal, time};

/// How long the bus and the service may take together. A service that is begun by being asked is
/// there in a tenth of it.
const LIMIT: Duration = Duration::from_secs(1);
const SERVICE: &str = "org.freedesktop.RealtimeKit1";
const PATH: &str = "/org/freedesktop/RealtimeKit1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// Errors, by the beginning of their names, that say that there is no such service.
const ABSENT: [&str; 4] = [
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
    "org.freedesktop.systemd1.",
];

/// A thread of this process and what it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The kernel's number of the thread.
    pub(super) thread: u32,
    /// Priority; at most what rtkit gives is asked for.
    pub(super) priority: u8,
    /// Longest time it computes without a pause, in microseconds.
    pub(super) needed_us: u64,
}

/// Asks for real-time scheduling of a thread; lowers `RLIMIT_RTTIME` of this process, for good,
/// to what rtkit demands, once it is known to be there.
///
/// # Errors
/// Why not, after a second at most.
///
/// # Real-time
/// Not safe: allocates, begins threads, waits.
pub(super) fn ask(wish: Wish) -> Result<(), RtkitRefusal> {
    ask_on(Builder::system(), wish)
}

fn ask_on(bus: Result<Builder<'_>, Error>, wish: Wish) -> Result<(), RtkitRefusal> {
    within(LIMIT, async {
        let bus = bus?.build().await?;
        let number = async |name| -> Result<i64, Error> {
            let reply = bus
                .call_method(
                    Some(SERVICE),
                    PATH,
                    Some(PROPERTIES),
                    "Get",
                    &(SERVICE, name),
                )
                .await?;
            match reply.body().deserialize::<Value<'_>>()? {
                Value::I32(number) => Ok(number.into()),
                Value::I64(number) => Ok(number),
                _ => Err(Error::InvalidReply),
            }
        };
        let most_us = number("RTTimeUSecMax").await?;
        let highest = number("MaxRealtimePriority").await?;
        let most_us = u64::try_from(most_us).unwrap_or(0);
        time::lower(most_us, wish.needed_us).map_err(|_| RtkitRefusal::TimeTooShort)?;
        let priority = i64::from(wish.priority).min(highest);
        Ok(make_realtime(&bus, wish.thread, priority).await?)
    })
}

async fn make_realtime(bus: &Connection, thread: u32, priority: i64) -> Result<(), Error> {
    let process = u64::from(std::process::id());
    let priority = u32::try_from(priority).unwrap_or(0);
    bus.call_method(
        Some(SERVICE),
        PATH,
        Some(SERVICE),
        "MakeThreadRealtimeWithPID",
        &(process, u64::from(thread), priority),
    )
    .await?;
    Ok(())
}

/// Does the work on this thread, and leaves it where it is when it takes too long.
fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, RtkitRefusal>>,
) -> Result<T, RtkitRefusal> {
    let mut work = pin!(work);
    let mut timer = Timer::after(limit);
    async_io::block_on(poll_fn(|context| {
        if let Poll::Ready(answer) = work.as_mut().poll(context) {
            return Poll::Ready(answer);
        }
        let late = Pin::new(&mut timer).poll(context);
        late.map(|_| Err(RtkitRefusal::Silent))
    }))
}

impl From<Error> for RtkitRefusal {
    fn from(error: Error) -> Self {
        match error {
            Error::MethodError(name, ..) => {
                let name = name.as_str();
                if ABSENT.iter().any(|absent| name.starts_with(absent)) {
                    Self::Absent
                } else {
                    Self::Refused
                }
            }
            // No bus, or none that we understand.
            _ => Self::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::time::Instant;

    const WISH: Wish = Wish {
        thread: 0,
        priority: 1,
        needed_us: 1,
    };

    fn asked_at(socket: &Path) -> (Result<(), RtkitRefusal>, Duration) {
        let address = format!("unix:path={}", socket.display());
        let began = Instant::now();
        (
            ask_on(Builder::address(address.as_str()), WISH),
            began.elapsed(),
        )
    }

    #[test]
    fn a_bus_that_never_answers_is_left_after_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let _listener = UnixListener::bind(&socket).unwrap();
        let (got, took) = asked_at(&socket);
        assert_eq!(got, Err(RtkitRefusal::Silent));
        // Half a second for a busy machine.
        assert!(took >= LIMIT && took < LIMIT * 3 / 2, "{took:?}");
    }

    #[test]
    fn no_bus_is_no_rtkit_and_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (got, took) = asked_at(&folder.path().join("bus"));
        assert_eq!(got, Err(RtkitRefusal::Absent));
        assert!(took < LIMIT / 2, "{took:?}");
    }
}
