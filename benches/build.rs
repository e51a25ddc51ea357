//! Builds the C form of the limiter as one would by hand: gcc -O3, rounding kept as written.

fn main() {
    println!("cargo:rerun-if-changed=src/naive_limiter.c");
    cc::Build::new()
        .file("src/naive_limiter.c")
        .opt_level(3)
        .flag("-ffp-contract=off")
        .warnings_into_errors(true)
        .compile("naive_limiter");
}
