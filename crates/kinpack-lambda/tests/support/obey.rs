//! The handler of the tests: a record's data says what it shall do.

use std::path::Path;
use std::time::Duration;

use kinpack_lambda::Failure;

/// Does what a record's data says, and prints what it does. `fail-until:FILE` fails until there is
/// such a file, and so on.
pub(crate) async fn obey(key: Option<&str>, data: &[u8]) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(data).into_owned();
    println!("begin {} {text}", key.unwrap_or("-"));
    let (word, rest) = text.split_once(':').unwrap_or((&text, ""));
    let word = match word.strip_suffix("-until") {
        Some(_) if Path::new(rest).exists() => "",
        Some(word) => word,
        None => word,
    };
    match word {
        "fail" => return Err(Failure::retry("told to fail")),
        "poison" => return Err(Failure::poison("told to be poison")),
        "panic" => panic!("told to panic"),
        "sleep" => tokio::time::sleep(Duration::from_millis(rest.parse()?)).await,
        "crash" => std::process::exit(1),
        _ => (),
    }
    let fails = std::env::var("FAILS").unwrap_or_default();
    if key.is_some_and(|key| fails.split(',').any(|fails| fails == key)) {
        return Err(Failure::retry("its key fails here"));
    }
    println!("end {} {text}", key.unwrap_or("-"));
    Ok(())
}
