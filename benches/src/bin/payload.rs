//! One table: bytes and nanoseconds of a 100-byte message, by what is done to make it smaller.
#![forbid(unsafe_code)]

use benches::payload::{avro, compression, measure};

fn main() {
    println!(
        "100-byte JSON messages in Kinesis records: bytes and ns a message, aggregate included\n"
    );
    println!("{:<56} {:>10} {:>10} {:>10}", "", "bytes", "encode ns", "decode ns");
    let mut rows = compression::rows();
    rows.extend(avro::rows());
    for (times, row) in measure(&mut rows).iter().zip(&rows) {
        let bytes = row.bytes as f64 / row.messages as f64;
        println!("{:<56} {bytes:>10.1} {:>10.0} {:>10.0}", row.name, times.encode, times.decode);
    }

    println!("\nBare Avro datums from and to a struct\n");
    println!("{:<56} {:>10} {:>10} {:>10}", "", "bytes", "encode ns", "decode ns");
    let mut rows = avro::datums();
    for (times, row) in measure(&mut rows).iter().zip(&rows) {
        let bytes = row.bytes as f64 / row.messages as f64;
        println!("{:<56} {bytes:>10.1} {:>10.0} {:>10.0}", row.name, times.encode, times.decode);
    }

    println!("\nKinesis records that are no envelope, looked into and handed on: ns a record\n");
    println!("{:<56} {:>10} {:>10} {:>10}", "", "bytes", "", "look ns");
    let mut rows = compression::untouched();
    for (times, row) in measure(&mut rows).iter().zip(&rows) {
        println!("{:<56} {:>10} {:>10} {:>10.0}", row.name, row.bytes, "", times.decode);
    }
}
