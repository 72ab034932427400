//! Names of the lab's certificates.

use rcgen::{DistinguishedName, DnType};

use super::der;

/// The organization in a name of the lab, unless it has its own.
pub const ORGANIZATION: &str = "Certflight Lab";

/// A subject of the lab: organization, organizational units and common name, in this order.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub(super) common_name: &'a str,
    pub(super) organization: &'a str,
    pub(super) organizational_units: &'a [String],
}

impl<'a> From<&'a str> for Subject<'a> {
    /// With the lab's organization and this common name.
    fn from(common_name: &'a str) -> Self {
        Self { common_name, organization: ORGANIZATION, organizational_units: &[] }
    }
}

impl Subject<'_> {
    /// `Name`, DER.
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let organization = (!self.organization.is_empty()).then_some((10, self.organization));
        let units = self.organizational_units.iter().map(|unit| (11, unit.as_str()));
        let rdns: Vec<Vec<u8>> = organization
            .into_iter()
            .chain(units)
            .chain([(3, self.common_name)])
            .map(|(arc, text)| der::set_of(&attribute(&[2, 5, 4, arc], text)))
            .collect();
        der::sequence(&rdns)
    }

    /// The same for rcgen, which takes one value of each type only.
    pub(super) fn for_rcgen(&self) -> DistinguishedName {
        let mut name = DistinguishedName::new();
        if !self.organization.is_empty() {
            name.push(DnType::OrganizationName, self.organization);
        }
        if let Some(unit) = self.organizational_units.last() {
            name.push(DnType::OrganizationalUnitName, unit);
        }
        name.push(DnType::CommonName, self.common_name);
        name
    }

    /// Whether [`Subject::for_rcgen`] is the whole of it.
    pub(super) fn is_for_rcgen(&self) -> bool {
        self.organizational_units.len() <= 1
    }
}

/// `Name` with the lab's organization and this common name.
#[must_use]
pub fn name(common_name: &str) -> Vec<u8> {
    Subject::from(common_name).der()
}

/// `AttributeTypeAndValue`
pub(super) fn attribute(arcs: &[u64], text: &str) -> Vec<u8> {
    der::sequence(&[der::oid(arcs), der::tlv(0x0c, text.as_bytes())])
}
