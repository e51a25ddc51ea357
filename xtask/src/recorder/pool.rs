//! Many waits at once.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

/// Does `work` for each job, so many at a time, and returns what came out in the jobs' order.
///
/// # Errors
/// The first that fails; the others are done to their end.
pub fn each<J: Sync, T: Send>(
    jobs: &[J],
    at_once: usize,
    work: impl Fn(&J) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let worker = || -> Vec<(usize, Result<T>)> {
        std::iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            jobs.get(place).map(|job| (place, work(job)))
        })
        .collect()
    };
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(worker)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Vec<_>>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        workers.into_iter().flat_map(join).collect::<Vec<_>>()
    });
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        let jobs: Vec<u32> = (0..100).collect();
        // So that no worker does all of them.
        let square = |job: &u32| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok(job * job)
        };
        let squares = super::each(&jobs, 7, square).unwrap();
        assert!(
            squares
                .iter()
                .zip(&jobs)
                .all(|(square, job)| *square == job * job)
        );
        let odd = super::each(&jobs, 7, |job| {
            anyhow::ensure!(job % 2 == 0, "{job} is odd");
            Ok(())
        });
        assert_eq!(odd.unwrap_err().to_string(), "1 is odd");
    }
}
