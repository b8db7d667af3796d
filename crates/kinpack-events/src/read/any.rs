//! Visitors that take whatever JSON has to offer, so that a value of the wrong type is a matter of
//! the record it belongs to and not of the document.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What to do with a value that may be anything.
pub(super) trait Visit<'de>: Sized {
    fn object<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        skip_members(map)
    }

    fn array<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        skip_elements(seq)
    }
}

/// Reads any value and shows objects and arrays to `T`.
pub(super) struct Any<T>(pub(super) T);

impl<'de, T: Visit<'de>> DeserializeSeed<'de> for Any<T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Visit<'de>> Visitor<'de> for Any<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.0.object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<(), A::Error> {
        self.0.array(seq)
    }
}

/// A value nobody asked for. Unlike serde's own it takes only what serde_json's `Value` takes:
/// strings must be Unicode, numbers finite and nesting bounded.
pub(super) struct Skip;

impl Visit<'_> for Skip {}

fn skip_members<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_key_seed(Any(Skip))?.is_some() {
        map.next_value_seed(Any(Skip))?;
    }
    Ok(())
}

fn skip_elements<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element_seed(Any(Skip))?.is_some() {}
    Ok(())
}

/// A scalar, or the fact that it is something else. Text borrows from the document unless it was
/// written with escapes.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Json<'de> {
    #[default]
    Null,
    Text(Cow<'de, str>),
    Bool(bool),
    Integer(u64),
    /// Fractions and negative integers.
    Float(f64),
    Composite,
}

impl Json<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// With serde_json's feature `arbitrary_precision`, which any crate of a build may switch on,
/// numbers come as a map of this one member.
const NUMBER: &str = "$serde_json::private::Number";

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl<'de> Visitor<'de> for Scalar {
            type Value = Json<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Json::Float(value as f64))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Json::Integer(value))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Json::Float(value))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Json::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Json::Text(Cow::Borrowed(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut value = Json::Composite;
                while let Some(is_number) = map.next_key_seed(IsKey(NUMBER))? {
                    if !is_number {
                        map.next_value_seed(Any(Skip))?;
                    } else if let Some(number) = map.next_value::<Json<'de>>()?.text() {
                        value = match (number.parse(), number.parse()) {
                            (Ok(integer), _) => Json::Integer(integer),
                            (_, Ok(float)) => Json::Float(float),
                            _ => Json::Composite,
                        };
                    }
                }
                Ok(value)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_elements(seq).map(|()| Json::Composite)
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

/// A member's name, looked up without a copy.
pub(super) struct Key<K>(pub(super) K);

impl<'de, K: for<'a> From<&'a str>> Deserialize<'de> for Key<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name<K>(std::marker::PhantomData<K>);

        impl<K: for<'a> From<&'a str>> Visitor<'_> for Name<K> {
            type Value = Key<K>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Key(K::from(name)))
            }
        }

        deserializer.deserialize_identifier(Name(std::marker::PhantomData))
    }
}

/// Whether a member has a certain name.
pub(super) struct IsKey<'n>(pub(super) &'n str);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}
