//! Walking a TOML document section by section, key by key, and keeping every problem.
//!
//! What the walk asks for is what there is: a key that nobody asked for is unknown. So the list
//! of known keys cannot fall behind the settings.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive};

use jiff::tz::TimeZone;
use toml::{
    Spanned,
    de::{DeArray, DeString, DeTable, DeValue},
};

use super::{Office, Param};
use crate::base::{ErrorKind, Explain, nearest::nearest};

/// Parameters that a profile may be given.
const PARAMS_MAX: usize = 64;

/// One thing that is wrong in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1; 0 when it has no place.
    pub line: usize,
    /// The key, with its section; empty when it has none.
    pub key: String,
    /// What is wrong.
    pub text: String,
}

/// Everything that is wrong in a configuration, by line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file, as it was named to the parser.
    pub file: String,
    /// The problems; at least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, p) in self.problems.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            write!(f, "{newline}{}:{}: ", self.file, p.line)?;
            if !p.key.is_empty() {
                write!(f, "`{}`: ", p.key)?;
            }
            f.write_str(&p.text)?;
        }
        Ok(())
    }
}

impl Explain for ConfigError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("`recvault init` in an empty directory writes a recvault.toml with every setting explained".into())
    }
}

impl ConfigError {
    pub(super) fn too_long(file: &str, bytes_max: usize) -> Self {
        let text = format!("the file has more than {bytes_max} bytes");
        Self {
            file: file.into(),
            problems: vec![Problem {
                line: 0,
                key: String::new(),
                text,
            }],
        }
    }
}

/// The document.
pub(super) struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    sections: Vec<&'static str>,
    problems: Vec<Problem>,
    /// Every key that was asked for, with its section.
    asked: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Parses the text as TOML.
    pub(super) fn open(file: &'a str, text: &'a str) -> Result<Self, ConfigError> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self {
                file,
                text,
                table: table.into_inner(),
                sections: Vec::new(),
                problems: Vec::new(),
                asked: Vec::new(),
            }),
            Err(e) => {
                let line = e.span().map_or(0, |span| line_of(text, span.start));
                let problem = Problem {
                    line,
                    key: String::new(),
                    text: e.message().to_owned(),
                };
                Err(ConfigError {
                    file: file.into(),
                    problems: vec![problem],
                })
            }
        }
    }

    /// Reads one section, which may be absent.
    pub(super) fn section(&mut self, name: &'static str, read: impl FnOnce(&mut Section<'_, 'a>)) {
        self.sections.push(name);
        let empty = DeTable::default();
        let found = self
            .table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == name);
        let table = match found.map(|(key, value)| (key, value.get_ref())) {
            Some((_, DeValue::Table(table))) => table,
            Some((key, other)) => {
                self.problems.push(Problem {
                    line: line_of(self.text, key.span().start),
                    key: name.into(),
                    text: format!("a section [{name}] is wanted, not {}", kind(other)),
                });
                &empty
            }
            None => &empty,
        };
        let mut section = Section {
            name,
            text: self.text,
            table,
            known: Vec::new(),
            problems: &mut self.problems,
        };
        read(&mut section);
        section.refuse_unknown();
        self.asked
            .extend(section.known.iter().map(|key| format!("{name}.{key}")));
    }

    /// Every problem, or nothing.
    pub(super) fn finish(mut self) -> Result<Vec<String>, ConfigError> {
        for (key, value) in &self.table {
            let name = key.get_ref().as_ref();
            if self.sections.contains(&name) {
                continue;
            }
            // A setting above the first section is the likeliest mistake.
            let home = self
                .asked
                .iter()
                .find(|asked| asked.split_once('.').is_some_and(|(_, k)| k == name));
            let hint = match (home.and_then(|h| h.split_once('.')), value.get_ref()) {
                (Some((section, _)), v) if !matches!(v, DeValue::Table(_)) => {
                    format!("; it belongs under [{section}]")
                }
                _ => nearest(name, self.sections.iter().copied())
                    .map_or(String::new(), |n| format!(", did you mean [{n}]?")),
            };
            let what = if matches!(value.get_ref(), DeValue::Table(_)) {
                "section"
            } else {
                "setting"
            };
            self.problems.push(Problem {
                line: line_of(self.text, key.span().start),
                key: name.into(),
                text: format!("unknown {what}{hint}"),
            });
        }
        if self.problems.is_empty() {
            return Ok(self.asked);
        }
        self.problems.sort_by_key(|p| p.line);
        Err(ConfigError {
            file: self.file.into(),
            problems: self.problems,
        })
    }
}

/// One section being read.
pub(super) struct Section<'r, 'a> {
    name: &'static str,
    text: &'a str,
    table: &'r DeTable<'a>,
    known: Vec<&'static str>,
    problems: &'r mut Vec<Problem>,
}

impl<'r, 'a> Section<'r, 'a> {
    /// The value of `key`, if the document has one.
    fn value(&mut self, key: &'static str) -> Option<&'r Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<&'r Spanned<DeValue<'a>>> {
        let table: &'r DeTable<'a> = self.table;
        table
            .iter()
            .find(|(k, _)| k.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    fn wrong(&mut self, key: &str, at: usize, text: impl Into<String>) {
        let key = format!("{}.{key}", self.name);
        self.problems.push(Problem {
            line: line_of(self.text, at),
            key,
            text: text.into(),
        });
    }

    /// A problem with the value of `key` that only the setting itself can see.
    pub(super) fn wrong_value(&mut self, key: &str, text: &str) {
        let at = self.find(key).map_or(0, |v| v.span().start);
        self.wrong(key, at, text);
    }

    /// The same, with the `number`th item (from 1) of the list.
    pub(super) fn wrong_item(&mut self, key: &str, number: usize, text: &str) {
        let value = self.find(key);
        let item = value.and_then(|v| v.get_ref().as_array()?.get(number.saturating_sub(1)));
        let at = item.or(value).map_or(0, |v| v.span().start);
        self.wrong(key, at, text);
    }

    fn wrong_type(&mut self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = kind(value.get_ref());
        self.wrong(
            key,
            value.span().start,
            format!("{wanted} is wanted, not {found}"),
        );
    }

    /// A whole number within its bounds.
    pub(super) fn whole<T>(&mut self, key: &'static str, bounds: RangeInclusive<i64>, slot: &mut T)
    where
        T: TryFrom<i64>,
    {
        let Some(value) = self.value(key) else { return };
        let Some(text) = value.get_ref().as_integer() else {
            return self.wrong_type(key, value, "a whole number");
        };
        let number = i64::from_str_radix(text.as_str(), text.radix()).ok();
        match number
            .filter(|n| bounds.contains(n))
            .and_then(|n| T::try_from(n).ok())
        {
            Some(number) => *slot = number,
            None => {
                let (low, high) = bounds.into_inner();
                self.wrong(
                    key,
                    value.span().start,
                    format!("{text} is not within {low} to {high}"),
                );
            }
        }
    }

    /// A number within its bounds; a whole one is taken too.
    pub(super) fn real(&mut self, key: &'static str, bounds: RangeInclusive<f64>, slot: &mut f64) {
        let Some(value) = self.value(key) else { return };
        let Some(number) = number(value.get_ref()) else {
            return self.wrong_type(key, value, "a number");
        };
        if bounds.contains(&number) {
            *slot = number;
        } else {
            let (low, high) = bounds.into_inner();
            self.wrong(
                key,
                value.span().start,
                format!("{number} is not within {low} to {high}"),
            );
        }
    }

    /// `true` or `false`.
    pub(super) fn switch(&mut self, key: &'static str, slot: &mut bool) {
        let Some(value) = self.value(key) else { return };
        match value.get_ref().as_bool() {
            Some(on) => *slot = on,
            None => self.wrong_type(key, value, "true or false"),
        }
    }

    /// Text with a number of characters within its bounds, on one line.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        chars: RangeInclusive<usize>,
        slot: &mut String,
    ) {
        let Some(value) = self.value(key) else { return };
        if let Some(text) = self.one_text(key, value, chars) {
            *slot = text;
        }
    }

    /// A list of texts.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        count: RangeInclusive<usize>,
        chars: RangeInclusive<usize>,
        slot: &mut Vec<String>,
    ) {
        let Some(value) = self.value(key) else { return };
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong_type(key, value, "a list of texts");
        };
        let items: &'r DeArray<'a> = items;
        if !count.contains(&items.len()) {
            let (low, high) = count.into_inner();
            let text = format!("{} entries are not within {low} to {high}", items.len());
            return self.wrong(key, value.span().start, text);
        }
        let texts: Vec<_> = items
            .iter()
            .map(|i| self.one_text(key, i, chars.clone()))
            .collect();
        if let Some(texts) = texts.into_iter().collect::<Option<Vec<_>>>() {
            *slot = texts;
        }
    }

    fn one_text(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let Some(text) = value.get_ref().as_str() else {
            self.wrong_type(key, value, "text");
            return None;
        };
        let count = text.chars().count();
        if !chars.contains(&count) {
            let (low, high) = chars.into_inner();
            let text = format!("{count} characters are not within {low} to {high}");
            self.wrong(key, value.span().start, text);
            return None;
        }
        if text.chars().any(char::is_control) {
            self.wrong(
                key,
                value.span().start,
                "text on one line, without control characters, is wanted",
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, all: &[(&str, T)], slot: &mut T) {
        let Some(value) = self.value(key) else { return };
        let Some(text) = value.get_ref().as_str() else {
            return self.wrong_type(key, value, "text");
        };
        if let Some((_, choice)) = all.iter().find(|(word, _)| *word == text) {
            *slot = *choice;
            return;
        }
        let words: Vec<String> = all.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        self.wrong(
            key,
            value.span().start,
            format!("\"{text}\" is none of {}", words.join(", ")),
        );
    }

    /// A time zone that exists.
    pub(super) fn zone(&mut self, key: &'static str, office: &mut Office) {
        let mut name = office.zone_name.clone();
        self.text(key, 1..=64, &mut name);
        if name == office.zone_name {
            return;
        }
        if let Ok(zone) = TimeZone::get(&name) {
            (office.zone_name, office.zone) = (name, zone);
        } else {
            let at = self.find(key).map_or(0, |v| v.span().start);
            let names: Vec<String> = jiff::tz::db().available().map(|n| n.to_string()).collect();
            let hint = nearest(&name, names.iter().map(String::as_str))
                .map_or(String::new(), |n| format!(", did you mean \"{n}\"?"));
            self.wrong(key, at, format!("there is no time zone \"{name}\"{hint}"));
        }
    }

    /// A free table of numbers, texts and switches.
    pub(super) fn params(&mut self, key: &'static str, slot: &mut BTreeMap<String, Param>) {
        let Some(value) = self.value(key) else { return };
        let table: &'r DeTable<'a> = match value.get_ref() {
            DeValue::Table(table) => table,
            _ => return self.wrong_type(key, value, "a table"),
        };
        if table.len() > PARAMS_MAX {
            let text = format!("{} parameters are more than {PARAMS_MAX}", table.len());
            return self.wrong(key, value.span().start, text);
        }
        let mut params = BTreeMap::new();
        for (name, value) in table {
            let path = format!("{key}.{}", name.get_ref());
            match param(value.get_ref()) {
                Some(param) => {
                    params.insert(name.get_ref().to_string(), param);
                }
                None => self.wrong_type(&path, value, "a finite number, text, true or false"),
            }
        }
        *slot = params;
    }

    fn refuse_unknown(&mut self) {
        let table: &'r DeTable<'a> = self.table;
        for (key, _) in table {
            let name: &DeString<'_> = key.get_ref();
            if self.known.iter().any(|k| k == name) {
                continue;
            }
            let hint = nearest(name, self.known.iter().copied())
                .map_or(String::new(), |n| format!(", did you mean `{n}`?"));
            self.wrong(name, key.span().start, format!("unknown key{hint}"));
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(text) => text.as_str().parse().ok(),
        DeValue::Integer(text) => i64::from_str_radix(text.as_str(), text.radix())
            .ok()
            .map(|n| n as f64),
        _ => None,
    }
}

fn param(value: &DeValue<'_>) -> Option<Param> {
    match value {
        DeValue::Boolean(on) => Some(Param::Switch(*on)),
        DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix())
            .ok()
            .map(Param::Whole),
        DeValue::Float(_) => number(value).filter(|n| n.is_finite()).map(Param::Real),
        DeValue::String(text) => Some(Param::Text(text.to_string())),
        _ => None,
    }
}

/// What a value is, as a person says it.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The line, from 1, on which the byte at `at` stands.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|b| **b == b'\n').count() + 1
}
