//! Builds the C form of the limiter as one would by hand: gcc -O3 with rounding kept as written, and
//! the same for this very processor, with whatever the compiler makes of it.

fn main() {
    println!("cargo:rerun-if-changed=src/naive_limiter.c");
    cc::Build::new()
        .file("src/naive_limiter.c")
        .opt_level(3)
        .flag("-ffp-contract=off")
        .warnings_into_errors(true)
        .compile("naive_limiter");
    cc::Build::new()
        .file("src/naive_limiter.c")
        .opt_level(3)
        .flag("-march=native")
        .define("naive_limiter_process", "native_limiter_process")
        .warnings_into_errors(true)
        .compile("native_limiter");
}
