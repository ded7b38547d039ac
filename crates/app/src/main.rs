//! The mindflight binary.

fn main() -> std::process::ExitCode {
    mindflight::main()
}
