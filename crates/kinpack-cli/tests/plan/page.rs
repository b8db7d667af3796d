//! `--html`

use super::{SCHEMA, file, kinpack, rows};

#[test]
fn the_page_may_be_the_output() {
    let run = kinpack(&["plan", "--data", "json", "--html", "-"], &rows(100));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("<!doctype html>") && run.stdout.ends_with("</html>\n"));
    let run = kinpack(&["plan", "--data", "json", "--html", "-", "--json"], &rows(100));
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert_eq!(run.stderr, "kinpack: --json and --html - both want standard output\n");
}

#[test]
fn the_page_needs_nothing_else_and_shows_every_row() {
    let schema = file("page.avsc", SCHEMA);
    let prices = file(
        "page-prices.json",
        r#"{"shard_hour": 1, "million_put_units": 1, "currency": "<b>&", "source": "\"x\""}"#,
    );
    let page = file("page.html", "");
    let words = ["plan", "--data", "json", "--avro-schema", schema.to_str().unwrap(), "--prices"];
    let more = [prices.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let run = kinpack(&[&words[..], &more].concat(), &rows(1_000));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("one by one"), "the tables are written, too");

    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    for outside in ["src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("prefers-color-scheme: dark"));
    assert!(html.contains("&lt;b&gt;&amp;") && !html.contains("<b>"));
    assert!(html.contains("&quot;x&quot;"));
    // 12 rows, each in 6 charts and once in a table.
    assert_eq!(html.matches("<svg").count(), 12 * 6);
    assert_eq!(html.matches("<tr><td").count(), 12);
    for tag in ["div", "svg", "figure", "table", "tr", "td", "p", "span", "ul", "li", "h3"] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}
