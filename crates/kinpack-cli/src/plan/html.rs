//! `--html`: one page with charts that needs nothing else.

use std::cmp::Ordering::Equal;
use std::fmt::Write as _;

use super::figures::Row;
use super::report::Report;
use super::ways::Readers;
use crate::numbers::{count, money, thousands, three_digits, time};

const STYLE: &str = include_str!("page.css");

/// A chart: its title, what a row comes to (nothing if it has none), and how that is written.
struct Chart {
    title: String,
    subtitle: &'static str,
    value: fn(&Row) -> Option<f64>,
    /// A second bar below the first.
    second: Option<fn(&Row) -> f64>,
    text: fn(f64) -> String,
}

/// The report as a page.
pub(super) fn page(report: &Report) -> String {
    let mut body = String::new();
    head(&mut body, report);
    cards(&mut body, report);
    section(
        &mut body,
        report,
        "What is in a record",
        "Aggregation saves the count of Kinesis records, compression and Avro save their bytes.",
        &report.payloads,
    );
    section(
        &mut body,
        report,
        "Whose partition key an aggregate has",
        "With plain messages. What order a reader can keep depends on it, and how many aggregates \
         fill side by side.",
        &report.outer_keys,
    );
    notes(&mut body, report);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>kinpack plan</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {body}</main>\n</body>\n</html>\n"
    )
}

fn head(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "<h1>{} messages a second on Kinesis</h1>\n<p class=\"soft\">{}. Here, {}.</p>",
        report.rate(),
        capital(&report.describe_sample()),
        report.describe_aggregates(),
    );
}

/// The cheapest way for each kind of reader.
fn cards(out: &mut String, report: &Report) {
    out.push_str("<div class=\"cards\">\n");
    for (readers, title) in [
        (Readers::Any, "One by one"),
        (Readers::Kpl, "Best for KPL and KCL readers"),
        (Readers::KinpackOnly, "Best for kinpack readers"),
    ] {
        let of_these = report.payloads.iter().filter(|row| row.readers == readers);
        let order = |row: &&Row| (row.cost_per_month, row.bytes_per_message);
        let Some(row) = of_these.min_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(Equal))
        else {
            continue;
        };
        let _ = writeln!(
            out,
            "<div class=\"card lead {class}\"><h3>{title}</h3>\
             <p class=\"big\">{cost} <span>{currency} a month</span></p>\
             <p class=\"soft small\">{name}<br>{shards} {noun}, {records} Kinesis records/s, \
             {bytes:.1} bytes a message</p></div>",
            class = class(row),
            cost = money(row.cost_per_month),
            currency = escape(&report.prices.currency),
            name = escape(&whole_name(row)),
            shards = count(row.shards),
            noun = if row.shards == 1.0 { "shard" } else { "shards" },
            records = three_digits(row.records_per_second),
            bytes = row.bytes_per_message,
        );
    }
    out.push_str("</div>\n");
}

fn section(out: &mut String, report: &Report, title: &str, lead: &str, rows: &[Row]) {
    let _ = writeln!(out, "<h2>{title}</h2>\n<p class=\"soft\">{lead}</p>");
    out.push_str("<p class=\"legend\">");
    for (readers, text) in [
        (Readers::Any, "nothing to take apart"),
        (Readers::Kpl, "KPL and KCL readers take it apart"),
        (Readers::KinpackOnly, "kinpack readers only"),
    ] {
        if rows.iter().any(|row| row.readers == readers) {
            let _ = write!(out, "<span><i class=\"{}\"></i>{text}</span>", class_of(readers));
        }
    }
    out.push_str("</p>\n<div class=\"charts\">\n");
    for chart in charts(report) {
        draw(out, &chart, rows);
    }
    out.push_str("</div>\n");
    table(out, report, rows);
}

fn charts(report: &Report) -> [Chart; 6] {
    let chart = |title: &str, subtitle, value, text| Chart {
        title: title.to_owned(),
        subtitle,
        value,
        second: None,
        text,
    };
    [
        chart(
            &format!("Cost a month, {}", escape(&report.prices.currency)),
            "shards and PUT payload units",
            |row| Some(row.cost_per_month),
            money,
        ),
        chart(
            "Bytes a message",
            "its share of the Kinesis record, partition key included",
            |row| Some(row.bytes_per_message),
            |bytes| format!("{bytes:.1}"),
        ),
        chart(
            "Kinesis records a second",
            "a shard takes 1,000",
            |row| Some(row.records_per_second),
            three_digits,
        ),
        chart(
            "Until an aggregate is full",
            "how long its first message would wait, without a deadline",
            |row| row.fill,
            time,
        ),
        Chart {
            second: Some(|row| row.read_cpu),
            ..chart(
                "CPU seconds for a million messages",
                "packing above, unpacking below; one core of the machine that ran this",
                |row| Some(row.write_cpu),
                three_digits,
            )
        },
        chart(
            "Messages in a Lambda event",
            "6 MB of JSON and 10,000 Kinesis records at most",
            |row| Some(row.messages_per_lambda_event),
            thousands,
        ),
    ]
}

fn draw(out: &mut String, chart: &Chart, rows: &[Row]) {
    let values =
        rows.iter().flat_map(|row| (chart.value)(row).into_iter().chain(second(chart, row)));
    let most = values.fold(0.0, f64::max);
    let width = |value: f64| if value > 0.0 { (100.0 * value / most).max(0.6) } else { 0.0 };
    let _ = writeln!(
        out,
        "<figure class=\"card\" style=\"margin:0\"><figcaption><h3>{}</h3>\
         <p class=\"soft small\">{}</p></figcaption>\n<div class=\"bars\">",
        chart.title, chart.subtitle
    );
    for row in rows {
        let value = (chart.value)(row);
        let mut text = value.map_or("–".to_owned(), chart.text);
        let mut bars = String::new();
        let height = if chart.second.is_some() { "44%" } else { "100%" };
        let mut bar = |class: &str, y: &str, value: f64| {
            let _ = write!(
                bars,
                "<rect class=\"track\" y=\"{y}\" width=\"100%\" height=\"{height}\" rx=\"3\"/>\
                 <rect class=\"bar {class}\" y=\"{y}\" width=\"{:.2}%\" height=\"{height}\" rx=\"3\"/>",
                width(value)
            );
        };
        bar(class(row), "0", value.unwrap_or(0.0));
        if let Some(other) = second(chart, row) {
            bar("second", "56%", other);
            text = format!("{text} / {}", (chart.text)(other));
        }
        let _ = writeln!(
            out,
            "<span class=\"name\">{name}</span><span class=\"value\">{text}</span>\
             <svg aria-hidden=\"true\">{bars}</svg>",
            name = escape(plain_name(row)),
        );
    }
    out.push_str("</div></figure>\n");
}

fn second(chart: &Chart, row: &Row) -> Option<f64> {
    chart.second.map(|value| value(row))
}

fn table(out: &mut String, report: &Report, rows: &[Row]) {
    let cost = format!("{}<br>a month", escape(&report.prices.currency));
    let heads = [
        "",
        "bytes /<br>message",
        "Kinesis<br>records/s",
        "shards<br>needed",
        "PUT<br>units/s",
        &cost,
        "CPU s / M<br>write",
        "CPU s / M<br>read",
        "full<br>after",
        "mean<br>wait",
        "messages /<br>Lambda event",
    ];
    out.push_str("<div class=\"card scroll\" style=\"margin-top:16px\"><table><thead><tr>");
    for head in heads {
        let _ = write!(out, "<th>{head}</th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let waits = row.fill.is_some();
        let cells = [
            format!("{:.1}", row.bytes_per_message),
            three_digits(row.records_per_second),
            count(row.shards),
            three_digits(row.put_units_per_second),
            money(row.cost_per_month),
            three_digits(row.write_cpu),
            three_digits(row.read_cpu),
            row.fill.map_or("–".to_owned(), time),
            if waits { time(row.mean_wait) } else { "–".to_owned() },
            thousands(row.messages_per_lambda_event),
        ];
        let name = escape(plain_name(row));
        let _ = write!(out, "<tr><td class=\"{}\">{name}</td>", class(row));
        for cell in cells {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

fn notes(out: &mut String, report: &Report) {
    out.push_str("<h2>How this was counted</h2>\n<ul>\n");
    let fixed = [
        "Whole aggregates that are compressed are for kinpack readers only: the KCL, Firehose, \
         Flink and Lambda's own de-aggregation see one opaque record.",
        "Shards: as many as take 1 MiB and 1,000 Kinesis records a second each, partition keys \
         included, if keys spread evenly; at least one.",
        "A PUT payload unit is 25 KB, rounded up for each record. A Lambda event is 6 MB of JSON, \
         about 4.4 MB of data, and 10,000 records.",
        "The dictionary was trained on the one half of the sample and measured on the other, both \
         ways round.",
    ];
    for note in fixed {
        let _ = writeln!(out, "<li>{note}</li>");
    }
    let _ = writeln!(
        out,
        "<li>Prices: {}; a month has 730 hours.</li>",
        escape(&report.prices.describe())
    );
    for note in &report.notes {
        let _ = writeln!(out, "<li>{}</li>", escape(&capital(note)));
    }
    let _ = writeln!(out, "</ul>\n<p class=\"soft small\">kinpack {}</p>", report.kinpack);
}

/// Without the sign that the terminal's table has.
fn plain_name(row: &Row) -> &str {
    row.name.trim_end_matches(" *")
}

/// The name where no row stands above it.
fn whole_name(row: &Row) -> String {
    let name = plain_name(row);
    if name.starts_with('+') { format!("aggregate {name}") } else { name.to_owned() }
}

fn class(row: &Row) -> &'static str {
    class_of(row.readers)
}

fn class_of(readers: Readers) -> &'static str {
    match readers {
        Readers::Any => "any",
        Readers::Kpl => "kpl",
        Readers::KinpackOnly => "kinpack-only",
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escape(r#"<a b="c">&"#), "&lt;a b=&quot;c&quot;&gt;&amp;");
        assert_eq!(capital("word"), "Word");
    }
}
