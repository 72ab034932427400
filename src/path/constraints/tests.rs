//! Names and subtrees, one against the other.

use super::*;
use crate::x509::Name;

fn within(name: &GeneralName, base: &GeneralName, reach: Reach) -> Option<bool> {
    Form::new(name.clone()).within(&Form::new(base.clone()), reach)
}

fn dns(name: &str) -> GeneralName {
    GeneralName::Dns(name.into())
}

fn range(octets: &[u8]) -> GeneralName {
    GeneralName::Other { tag: 7, value: Bytes::copy_from_slice(octets) }
}

fn directory(names: &[&str]) -> GeneralName {
    let mut sequence = Vec::new();
    for name in names {
        let mut attribute = vec![0x06, 3, 0x55, 4, 10, 0x0c, u8::try_from(name.len()).unwrap()];
        attribute.extend(name.as_bytes());
        let length = u8::try_from(attribute.len()).unwrap();
        sequence.extend([SET, length + 2, SEQUENCE, length]);
        sequence.extend(attribute);
    }
    let mut der = vec![SEQUENCE, u8::try_from(sequence.len()).unwrap()];
    der.extend(sequence);
    GeneralName::Directory(Name::from_der(der.into()))
}

#[test]
fn subtrees_hold_what_lies_below_them() {
    for (name, base, inside) in [
        (dns("a.test"), dns("a.test"), Some(true)),
        (dns("x.y.A.test"), dns("a.TEST"), Some(true)),
        (dns("xa.test"), dns("a.test"), Some(false)),
        (dns("*.a.test"), dns("a.test"), Some(true)),
        (dns("*.a.test"), dns("b.a.test"), Some(false)),
        (dns("a.test"), dns(".a.test"), Some(false)),
        (dns("b.a.test"), dns(".a.test"), Some(true)),
        (dns("a.test"), dns(""), Some(true)),
        (dns("a.test"), GeneralName::Email("a.test".into()), None),
        (GeneralName::Email("m@a.test".into()), GeneralName::Email("A.test".into()), Some(true)),
        (GeneralName::Email("m@b.a.test".into()), GeneralName::Email("a.test".into()), Some(false)),
        (GeneralName::Email("m@b.a.test".into()), GeneralName::Email(".a.test".into()), Some(true)),
        (GeneralName::Email("m@a.test".into()), GeneralName::Email("m@A.test".into()), Some(true)),
        (GeneralName::Email("M@a.test".into()), GeneralName::Email("m@a.test".into()), Some(false)),
        (GeneralName::Uri("http://h.a.test:80/x".into()), GeneralName::Uri(".a.test".into()), Some(true)),
        (GeneralName::Uri("http://h.a.test/".into()), GeneralName::Uri("a.test".into()), Some(false)),
        (GeneralName::Uri("http://H.a.test/".into()), GeneralName::Uri("h.A.test".into()), Some(true)),
        (GeneralName::Uri("http://192.0.2.1/".into()), GeneralName::Uri("192.0.2.1".into()), Some(false)),
        (GeneralName::Ip([192, 0, 2, 9].into()), range(&[192, 0, 2, 0, 255, 255, 255, 0]), Some(true)),
        (GeneralName::Ip([192, 0, 3, 9].into()), range(&[192, 0, 2, 0, 255, 255, 255, 0]), Some(false)),
        (GeneralName::Ip([192, 0, 2, 9].into()), range(&[0; 32]), Some(false)),
        (GeneralName::Ip([192, 0, 2, 9].into()), range(&[192]), Some(false)),
        (directory(&["A", "B"]), directory(&["a"]), Some(true)),
        (directory(&["A"]), directory(&["a", "b"]), Some(false)),
        (directory(&["B", "A"]), directory(&["a"]), Some(false)),
    ] {
        assert_eq!(within(&name, &base, Reach::All), inside, "{name} in {base}");
    }
    assert_eq!(within(&dns("*.a.test"), &dns("b.a.test"), Reach::Any), Some(true));
}

#[test]
fn forbids_what_is_excluded_or_not_permitted() {
    let constraints = NameConstraints {
        permitted: vec![Form::new(dns("a.test")), Form::new(range(&[192, 0, 2, 0, 255, 255, 255, 0]))],
        excluded: vec![Form::new(dns("bad.a.test"))],
    };
    assert_eq!(constraints.forbids(&dns("good.a.test")), None);
    assert_eq!(constraints.forbids(&dns("x.bad.a.test")).as_deref(), Some("excluded DNS:bad.a.test"));
    assert_eq!(constraints.forbids(&dns("b.test")).as_deref(), Some("permitted DNS:a.test"));
    assert_eq!(
        constraints.forbids(&GeneralName::Ip([10, 0, 0, 1].into())).as_deref(),
        Some("permitted IP:192.0.2.0/24")
    );
    assert_eq!(constraints.forbids(&GeneralName::Email("a@b.test".into())), None);
    let malformed = constraints.forbids(&dns(".a.test")).unwrap();
    assert!(malformed.contains("no host name"), "{malformed}");
    let short = constraints.forbids(&range(&[192, 0, 2])).unwrap();
    assert!(short.contains("does not decode"), "{short}");
    let of_names = NameConstraints { permitted: Vec::new(), excluded: vec![Form::new(directory(&["a"]))] };
    let broken = GeneralName::Directory(Name::from_der(Bytes::from_static(&[0x30, 2, 0x31, 5])));
    assert!(of_names.forbids(&broken).is_some() && of_names.forbids(&directory(&["b"])).is_none());
}

#[test]
fn hosts_of_uris_are_read_to_the_letter() {
    for (uri, host) in [
        ("http://www.a.test/x", Some("www.a.test")),
        ("ldap://user@a.test:389/cn=x?y", Some("a.test")),
        ("https://a.test", Some("a.test")),
        ("https://a.test:/?q", Some("a.test")),
        ("http:a.test", None),
        ("http:///a.test/", None),
        ("urn:a.test", None),
        ("http://a.test./", None),
        ("ldap://%61.test/", None),
        ("http://b.test\\@a.test/", None),
        ("http://a.\ttest/", None),
        ("http://192.0.2.1/", None),
        ("http://[2001:db8::1]/", None),
        ("http://x@y@a.test/", None),
        ("http://a.test:80x/", None),
        ("//a.test/", None),
        ("", None),
    ] {
        assert_eq!(uri_host(uri), host, "{uri}");
    }
    let excluded =
        NameConstraints { permitted: Vec::new(), excluded: vec![Form::new(GeneralName::Uri("a.test".to_owned()))] };
    for uri in ["http://a.test./", "http:a.test", "ldap://%61.test/"] {
        assert!(excluded.forbids(&GeneralName::Uri(uri.to_owned())).is_some(), "{uri}");
    }
}

#[test]
fn forms_that_are_not_compared_are_refused_where_they_are_constrained() {
    let other = |octet| GeneralName::Other { tag: 0, value: Bytes::copy_from_slice(&[octet]) };
    let constraints = NameConstraints { permitted: Vec::new(), excluded: vec![Form::new(other(1))] };
    assert!(constraints.forbids(&other(2)).is_some());
    assert_eq!(constraints.forbids(&dns("a.test")), None);
}

#[test]
fn subtrees_of_the_wrong_syntax_are_found() {
    let of = |base| NameConstraints { permitted: vec![Form::new(base)], excluded: Vec::new() };
    let mail = |text: &str| GeneralName::Email(text.into());
    let uri = |text: &str| GeneralName::Uri(text.into());
    for sound in [
        dns("a.test"),
        dns(""),
        dns(".a.test"),
        mail("m@a.test"),
        mail("a.test"),
        mail(".a.test"),
        uri(".a.test"),
        range(&[10, 0, 0, 0, 255, 0, 0, 0]),
        range(&[10, 0, 0, 0, 255, 254, 0, 0]),
        range(&[0; 8]),
        range(&[0; 32]),
        directory(&["a"]),
    ] {
        assert_eq!(of(sound).malformed_subtree(), None);
    }
    for malformed in [
        dns("*.a.test"),
        dns("a test"),
        dns("."),
        mail("a@b@a.test"),
        mail("@a.test"),
        uri("http://a.test/"),
        range(&[10, 0, 0, 0, 255, 0, 255, 0]),
        range(&[10, 0, 0, 0, 127, 0, 0, 0]),
        range(&[10, 0, 0]),
        GeneralName::Ip([10, 0, 0, 0].into()),
        GeneralName::Directory(Name::from_der(Bytes::from_static(&[0x30, 5, 0x31, 5, 1]))),
    ] {
        let constraints = of(malformed.clone());
        assert!(constraints.malformed_subtree().is_some(), "{malformed}");
    }
}

#[test]
fn garbage_is_no_constraint() {
    assert_eq!(NameConstraints::parse(&[0x30, 2, 0xa0, 5]), None);
    assert_eq!(NameConstraints::parse(&[0x30, 4, 0xa0, 2, 0x31, 0]), None);
    assert_eq!(NameConstraints::parse(&[]), None);
    assert_eq!(NameConstraints::parse(&[0x30, 0]), Some(NameConstraints::default()));
    // permittedSubtrees of the DNS name `a`, with what may stand behind it.
    let with = |behind: &[u8]| {
        let inner = [&[0x82, 1, b'a'][..], behind].concat();
        let subtrees = der::encode(0xa0, &[&der::encode(SEQUENCE, &[&inner])]);
        NameConstraints::parse(&der::encode(SEQUENCE, &[&subtrees])).is_some()
    };
    assert!(with(&[]) && with(&[0x80, 1, 0]));
    assert!(!with(&[0x80, 1, 5]) && !with(&[0x80, 1, 0, 0x81, 1, 6]) && !with(&[0x81, 1, 6]) && !with(&[5, 0]));
}
