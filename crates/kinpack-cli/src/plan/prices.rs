//! What the service charges: from a file, flags, or built in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Hours of a month, as the service's own calculator counts them.
pub(super) const HOURS: f64 = 730.0;

/// Where prices come from.
#[derive(clap::Args)]
pub(super) struct PriceArgs {
    /// Prices, a JSON object: {"shard_hour": 0.015, "million_put_units": 0.014} and, to be shown,
    /// "currency", "as_of" and "source"
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,

    /// Price of a shard for an hour, instead of that in --prices [default: 0.015, us-east-1]
    #[arg(long, value_name = "PRICE", value_parser = price)]
    price_shard_hour: Option<f64>,

    /// Price of a million PUT payload units, instead of that in --prices [default: 0.014, us-east-1]
    #[arg(long, value_name = "PRICE", value_parser = price)]
    price_put_units: Option<f64>,
}

fn price(text: &str) -> Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| "a price is wanted, as in 0.015".to_owned())?;
    if is_price(price) { Ok(price) } else { Err("a price is 0 or more".to_owned()) }
}

fn is_price(price: f64) -> bool {
    price.is_finite() && price >= 0.0
}

/// What a provisioned stream costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prices {
    pub(super) shard_hour: f64,
    pub(super) million_put_units: f64,
    #[serde(default = "dollars")]
    pub(super) currency: String,
    #[serde(default)]
    pub(super) as_of: Option<String>,
    #[serde(default)]
    pub(super) source: Option<String>,
}

fn dollars() -> String {
    "USD".to_owned()
}

impl Prices {
    fn built_in() -> Self {
        Self {
            shard_hour: 0.015,
            million_put_units: 0.014,
            currency: dollars(),
            as_of: Some("2025-06".to_owned()),
            source: Some(
                "built-in defaults for us-east-1, to be checked: \
                 https://aws.amazon.com/kinesis/data-streams/pricing/"
                    .to_owned(),
            ),
        }
    }

    /// Of so many shards and PUT payload units a second, a month: the shards' part, the units'.
    pub(super) fn month(&self, shards: f64, units_per_second: f64) -> (f64, f64) {
        let units = units_per_second * 3_600.0 * HOURS / 1e6;
        (shards * HOURS * self.shard_hour, units * self.million_put_units)
    }

    /// One line.
    pub(super) fn describe(&self) -> String {
        let Self { shard_hour, million_put_units, currency, as_of, source } = self;
        let mut text = format!(
            "a shard hour {shard_hour} {currency}, a million PUT units {million_put_units} {currency}"
        );
        if let Some(date) = as_of {
            text.push_str(&format!(", as of {date}"));
        }
        if let Some(source) = source {
            text.push_str(&format!(" ({source})"));
        }
        text
    }
}

impl PriceArgs {
    pub(super) fn read(&self) -> crate::Result<Prices> {
        let mut prices = match &self.prices {
            Some(path) => read(path)?,
            None => Prices::built_in(),
        };
        let given = (self.price_shard_hour, self.price_put_units);
        prices.shard_hour = given.0.unwrap_or(prices.shard_hour);
        prices.million_put_units = given.1.unwrap_or(prices.million_put_units);
        if self.prices.is_none() {
            match given {
                (Some(_), Some(_)) => (prices.as_of, prices.source) = (None, Some("given".into())),
                (None, None) => {}
                _ => {
                    let source = prices.source.unwrap_or_default();
                    prices.source = Some(format!("one given, the other of the {source}"));
                }
            }
        }
        Ok(prices)
    }
}

fn read(path: &Path) -> crate::Result<Prices> {
    let name = path.display().to_string();
    let json = std::fs::read(path).map_err(|error| Failure::Io(name.clone(), error))?;
    let prices: Prices = serde_json::from_slice(&json)
        .map_err(|error| Failure::new(format!("{name}: not a file of prices: {error}")))?;
    if is_price(prices.shard_hour) && is_price(prices.million_put_units) {
        Ok(prices)
    } else {
        Err(Failure::new(format!("{name}: a price is 0 or more")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_730_hours() {
        let (shards, units) = Prices::built_in().month(2.0, 100.0);
        assert!((shards - 21.9).abs() < 1e-9, "{shards}");
        // 262.8 million units.
        assert!((units - 3.6792).abs() < 1e-9, "{units}");
    }

    #[test]
    fn prices_are_not_negative() {
        assert_eq!(price("0"), Ok(0.0));
        for text in ["-1", "x", "NaN", "inf", ""] {
            assert!(price(text).is_err(), "{text}");
        }
    }
}
