//! The few messages of RFC 4511 that a search needs.

use super::url::{Query, Scope};
use crate::x509::der;

/// `messageID` of the bind and of the search.
pub(super) const BIND: u32 = 1;
pub(super) const SEARCH: u32 = 2;

/// Entries asked for; a certificate's URL means one.
pub(super) const MAX_ENTRIES: u8 = 16;

/// Tags of `protocolOp` and of what stands in it.
pub(super) mod tag {
    pub(in super::super) const BIND_RESPONSE: u8 = 0x61;
    pub(in super::super) const SEARCH_RESULT_ENTRY: u8 = 0x64;
    pub(in super::super) const SEARCH_RESULT_DONE: u8 = 0x65;
    pub(in super::super) const SEARCH_RESULT_REFERENCE: u8 = 0x73;
    pub(in super::super) const EXTENDED_RESPONSE: u8 = 0x78;
    pub(in super::super) const REFERRAL: u8 = 0xa3;
    pub(in super::super) const ENUMERATED: u8 = 0x0a;
    pub(in super::super) const OCTET_STRING: u8 = 0x04;
}

const BOOLEAN: u8 = 0x01;

/// `success`
pub(super) const SUCCESS: u32 = 0;
/// `sizeLimitExceeded`: there are more entries than were asked for.
pub(super) const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// `referral`
pub(super) const REFERRAL: u32 = 10;
/// `noSuchObject`
pub(super) const NO_SUCH_OBJECT: u32 = 32;

/// Whether the directory has too much to do, so that it may answer a moment later: `busy` and `unavailable`.
pub(in super::super) fn is_overload(code: u32) -> bool {
    matches!(code, 51 | 52)
}

/// The name of a result code (RFC 4511 §4.1.9).
#[must_use]
pub fn name(code: u32) -> &'static str {
    match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        80 => "other",
        _ => "a result code without a name here",
    }
}

/// An anonymous simple bind (RFC 4511 §4.2, RFC 4513 §5.1.1).
pub(super) fn bind_request() -> Vec<u8> {
    let bind = der::encode(0x60, &[&integer(3), &string(b""), &[0x80, 0]]);
    der::encode(der::SEQUENCE, &[&integer(BIND), &bind])
}

/// RFC 4511 §4.5.1. Aliases are not followed: whoever names an alias in a certificate names the wrong entry.
pub(super) fn search_request(query: &Query) -> Vec<u8> {
    let scope = match query.scope {
        Scope::Base => 0,
        Scope::One => 1,
        Scope::Sub => 2,
    };
    let attributes: Vec<u8> = query.attributes.iter().flat_map(|attribute| string(attribute.as_bytes())).collect();
    let search = der::encode(
        0x63,
        &[
            &string(query.base.as_bytes()),
            &[tag::ENUMERATED, 1, scope],
            &[tag::ENUMERATED, 1, 0],
            &integer(MAX_ENTRIES.into()),
            &integer(0),
            &[BOOLEAN, 1, 0],
            &query.filter,
            &der::encode(der::SEQUENCE, &[&attributes]),
        ],
    );
    der::encode(der::SEQUENCE, &[&integer(SEARCH), &search])
}

/// RFC 4511 §4.3
pub(super) fn unbind_request() -> Vec<u8> {
    der::encode(der::SEQUENCE, &[&integer(SEARCH + 1), &[0x42, 0]])
}

fn string(octets: &[u8]) -> Vec<u8> {
    der::encode(tag::OCTET_STRING, &[octets])
}

/// One below 128, in one octet.
fn integer(value: u32) -> Vec<u8> {
    vec![der::INTEGER, 1, u8::try_from(value).unwrap_or(i8::MAX.unsigned_abs())]
}
