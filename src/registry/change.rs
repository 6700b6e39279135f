//! One change of the register, as events carry it.

use serde::{Deserialize, Serialize};

use super::{Assignment, Device, Officer, Register};
use crate::base::Moment;

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A recorder that was not known.
    DeviceAdded(Device),
    /// A recorder of which something else is now true.
    DeviceChanged {
        /// As it stood.
        before: Device,
        /// As it stands.
        after: Device,
    },
    /// An officer that was not known.
    OfficerAdded(Officer),
    /// An officer of whom something else is now true.
    OfficerChanged {
        /// As they stood.
        before: Officer,
        /// As they stand.
        after: Officer,
    },
    /// A recorder was handed to an officer.
    AssignmentAdded(Assignment),
    /// A recorder was handed back.
    AssignmentClosed {
        /// The recorder.
        device: String,
        /// Its holder until then.
        officer: String,
        /// Since when they held it.
        from: Moment,
        /// When they handed it back.
        to: Moment,
    },
}

impl Change {
    /// The change as a line for a person.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::DeviceAdded(d) => format!("new device {}", d.id),
            Self::DeviceChanged { before, after } => {
                let price = |d: &Device| {
                    d.price_fen
                        .map_or(String::new(), |p| format!("{}.{:02}", p / 100, p % 100))
                };
                let fields = [
                    ("model", before.model.clone(), after.model.clone()),
                    ("unit", before.unit.clone(), after.unit.clone()),
                    ("price", price(before), price(after)),
                ];
                format!("device {}: {}", after.id, differences(fields))
            }
            Self::OfficerAdded(o) => format!("new officer {}", o.id),
            Self::OfficerChanged { before, after } => {
                let fields = [
                    ("name", before.name.clone(), after.name.clone()),
                    ("unit", before.unit.clone(), after.unit.clone()),
                ];
                format!("officer {}: {}", after.id, differences(fields))
            }
            Self::AssignmentAdded(a) => {
                let until = a.to.map_or(String::new(), |to| format!(" until {to}"));
                format!(
                    "device {} to officer {} from {}{until}",
                    a.device, a.officer, a.from
                )
            }
            Self::AssignmentClosed {
                device,
                officer,
                from,
                to,
            } => {
                format!("device {device} back from officer {officer} at {to} (held since {from})")
            }
        }
    }
}

fn differences<const N: usize>(fields: [(&str, String, String); N]) -> String {
    let changed = fields
        .into_iter()
        .filter(|(_, before, after)| before != after);
    changed
        .map(|(what, a, b)| format!("{what} \"{a}\" becomes \"{b}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Makes a change. Doing so twice is doing it once: a replayed event does no harm. Closing an
/// assignment that the register does not hold records it, closed.
pub fn apply(register: &mut Register, change: &Change) {
    match change {
        Change::DeviceAdded(device) | Change::DeviceChanged { after: device, .. } => {
            register.devices.insert(device.id.clone(), device.clone());
        }
        Change::OfficerAdded(officer) | Change::OfficerChanged { after: officer, .. } => {
            register
                .officers
                .insert(officer.id.clone(), officer.clone());
        }
        Change::AssignmentAdded(assignment) => {
            let of_device = register
                .assignments
                .entry(assignment.device.clone())
                .or_default();
            // Replayed after its own closing, it stays closed.
            of_device
                .entry(assignment.from)
                .or_insert_with(|| assignment.clone());
        }
        Change::AssignmentClosed {
            device,
            officer,
            from,
            to,
        } => {
            let closed = Assignment {
                device: device.clone(),
                officer: officer.clone(),
                from: *from,
                to: Some(*to),
            };
            register
                .assignments
                .entry(device.clone())
                .or_default()
                .insert(*from, closed);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_change_survives_json_and_a_second_application() {
        let m = Moment::from_s;
        let open = Assignment {
            device: "A1".into(),
            officer: "x".into(),
            from: m(1),
            to: None,
        };
        let changes = [
            Change::DeviceAdded(Device {
                id: "A1".into(),
                price_fen: Some(128_050),
                ..Device::default()
            }),
            Change::OfficerAdded(Officer {
                id: "x".into(),
                ..Officer::default()
            }),
            Change::AssignmentAdded(open),
            Change::AssignmentClosed {
                device: "A1".into(),
                officer: "x".into(),
                from: m(1),
                to: m(5),
            },
        ];
        let (mut once, mut twice) = (Register::default(), Register::default());
        for change in &changes {
            let json = serde_json::to_string(change).unwrap();
            assert_eq!(
                serde_json::from_str::<Change>(&json).unwrap(),
                *change,
                "{json}"
            );
            apply(&mut once, change);
        }
        changes
            .iter()
            .chain(&changes)
            .for_each(|c| apply(&mut twice, c));
        assert_eq!(once, twice);
        assert_eq!(once.holder("A1", m(4)).unwrap().officer, "x");
        assert_eq!(once.holder("A1", m(5)), None);
        let json = serde_json::to_string(&once).unwrap();
        assert_eq!(serde_json::from_str::<Register>(&json).unwrap(), once);
    }

    #[test]
    fn a_change_says_what_becomes_of_what() {
        let before = Device {
            id: "A1".into(),
            model: "M".into(),
            ..Device::default()
        };
        let after = Device {
            model: "N".into(),
            price_fen: Some(128_050),
            ..before.clone()
        };
        assert_eq!(
            Change::DeviceChanged { before, after }.words(),
            "device A1: model \"M\" becomes \"N\", price \"\" becomes \"1280.50\""
        );
    }
}
