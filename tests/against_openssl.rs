//! The path validator beside `openssl verify`: the same chains, the same options, the same answers. Skipped, and said so,
//! where there is no OpenSSL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use certflight::lab::ca::{self, Criticality, Fault, Issued, Profile};
use certflight::lab::key::{Key, KeyKind};
use certflight::lab::offset::Offset;
use certflight::path::{self, PolicyInputs, Pool, Purpose, Question, Source, StandardJudge, TrustStore};
use certflight::x509::{Certificate, pem};
use jiff::Timestamp;

const DAY: i64 = 86_400;
const POLICY: &[u64] = &[1, 2, 3, 4];
const ANY_POLICY: &[u64] = &[2, 5, 29, 32, 0];

/// A change to a sound profile, with its name.
type Variation = (&'static str, fn(&mut Profile));

const INTERMEDIATE: [Variation; 14] = [
    ("sound", |_| {}),
    ("no CA", |profile| profile.ca = false),
    ("no CA that may sign", |profile| (profile.ca, profile.signs) = (false, Some(true))),
    ("no keyCertSign", |profile| profile.signs = Some(false)),
    ("pathLenConstraint 0", |profile| profile.path_len = Some(0)),
    ("permitted", |profile| profile.permitted = vec!["example.test".to_owned()]),
    ("permitted elsewhere", |profile| profile.permitted = vec!["other.test".to_owned()]),
    ("excluded", |profile| profile.excluded = vec!["www.example.test".to_owned()]),
    ("excluded elsewhere", |profile| profile.excluded = vec!["other.test".to_owned()]),
    ("expired", |profile| profile.not_after = Offset(-DAY)),
    ("not yet valid", |profile| profile.not_before = Offset(DAY)),
    ("critical extension", |profile| profile.unknown_extension = Some(Criticality::Critical)),
    ("non-critical extension", |profile| profile.unknown_extension = Some(Criticality::NonCritical)),
    ("bad signature", |profile| profile.fault = Some(Fault::BadSignature)),
];

const LEAF: [Variation; 9] = [
    ("sound", |_| {}),
    ("a CA", |profile| profile.ca = true),
    ("wildcard", |profile| profile.names = vec!["*.example.test".to_owned()]),
    ("two names", |profile| profile.names.push("www.other.test".to_owned())),
    ("an address", |profile| profile.names = vec!["192.0.2.1".to_owned()]),
    ("no policy", |profile| profile.policies = Vec::new()),
    ("expired", |profile| profile.not_after = Offset(-DAY)),
    ("critical extension", |profile| profile.unknown_extension = Some(Criticality::Critical)),
    ("bad signature", |profile| profile.fault = Some(Fault::BadSignature)),
];

/// A name, policies of the CAs, whether a policy is required, and which are wanted.
type Policies = (&'static str, &'static [&'static [u64]], bool, &'static [&'static str]);

const POLICIES: [Policies; 5] = [
    ("no policy asked", &[], false, &[]),
    ("explicit, none asserted", &[], true, &["2.5.29.32.0"]),
    ("explicit, any asserted", &[ANY_POLICY], true, &["1.2.3.4"]),
    ("explicit, the same asserted", &[POLICY], true, &["1.2.3.4", "1.2.3.5"]),
    ("explicit, another wanted", &[POLICY], true, &["1.2.3.5"]),
];

#[test]
fn openssl_says_the_same() {
    if Command::new("openssl").arg("version").output().is_err() {
        // Past the test runner's capture.
        writeln!(std::io::stderr(), "SKIPPED openssl_says_the_same: openssl is not installed").unwrap();
        return;
    }
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let key = || Arc::new(Key::new(KeyKind::P256).unwrap());
    let (root_key, upper_key, inner_key, leaf_key) = (key(), key(), key(), key());
    let profile = |subject: &str, issuer: &str| Profile {
        issuer: issuer.to_owned(),
        ..Profile::authority(subject, Offset(-30 * DAY), Offset(300 * DAY))
    };
    let root = ca::issue(&profile("Root", "Root"), &root_key, None, now).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("root.pem"), &[&root]);
    let (mut differences, mut valid, mut asked) = (Vec::new(), 0, 0);
    for (inner_name, vary_inner) in INTERMEDIATE {
        for (leaf_name, vary_leaf) in LEAF {
            for (policy_name, asserted, explicit, wanted) in POLICIES {
                let asserted: Vec<Vec<u64>> = asserted.iter().map(|policy| policy.to_vec()).collect();
                // The varied CA stands above another, so that its limits on the path's length count.
                let mut upper = profile("Upper", "Root");
                upper.policies.clone_from(&asserted);
                vary_inner(&mut upper);
                let upper = ca::issue(&upper, &upper_key, Some(("Root".into(), &root_key)), now).unwrap();
                let inner = Profile { policies: asserted, ..profile("Inner", "Upper") };
                let inner = ca::issue(&inner, &inner_key, Some(("Upper".into(), &upper_key)), now).unwrap();
                // Not a host name: OpenSSL holds such common names against DNS constraints, which RFC 5280 does not.
                let mut leaf = profile("Server 7", "Inner");
                (leaf.ca, leaf.names) = (false, vec!["www.example.test".to_owned()]);
                leaf.policies = vec![POLICY.to_vec()];
                vary_leaf(&mut leaf);
                let leaf = ca::issue(&leaf, &leaf_key, Some(("Inner".into(), &inner_key)), now).unwrap();
                let ours = judge(&leaf, &[&inner, &upper], &root, now, explicit, wanted);
                write(&folder.path().join("leaf.pem"), &[&leaf]);
                write(&folder.path().join("others.pem"), &[&inner, &upper]);
                let theirs = openssl(folder.path(), now, explicit, wanted);
                asked += 1;
                valid += usize::from(ours);
                // A wildcard that reaches an excluded name: OpenSSL compares the letters, and lets it pass.
                let is_wildcard = (inner_name, leaf_name) == ("excluded", "wildcard");
                if ours != theirs && !is_wildcard {
                    differences.push(format!(
                        "intermediate: {inner_name}, leaf: {leaf_name}, {policy_name}: ours {ours}, OpenSSL's {theirs}"
                    ));
                }
            }
        }
    }
    assert!(valid > 50 && asked - valid > 50, "{valid} of {asked} valid");
    assert!(differences.is_empty(), "{} of {asked}:\n{}", differences.len(), differences.join("\n"));
}

fn judge(leaf: &Issued, others: &[&Issued], root: &Issued, at: Timestamp, explicit: bool, wanted: &[&str]) -> bool {
    let decoded = |issued: &Issued| Arc::new(Certificate::from_der(issued.der.clone()).unwrap());
    let leaf = decoded(leaf);
    let mut pool = Pool::default();
    pool.add(Arc::clone(&leaf), Source::File);
    others.iter().for_each(|other| pool.add(decoded(other), Source::Option));
    let store = TrustStore::of(vec![decoded(root)], "test");
    let initial = wanted.iter().map(|policy| (*policy).to_owned()).collect();
    let policies = Arc::new(PolicyInputs { initial, explicit_policy: explicit, ..PolicyInputs::default() });
    let question = Question { policies, ..Question::new(at, Purpose::Any) };
    path::search(&leaf, &pool, &store, &question, &StandardJudge).any_valid()
}

fn openssl(folder: &Path, at: Timestamp, explicit: bool, wanted: &[&str]) -> bool {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["verify", "-no-CAfile", "-no-CApath", "-no-CAstore", "-trusted", "root.pem"]);
    command.args(["-untrusted", "others.pem", "-attime", &at.as_second().to_string()]);
    if explicit {
        command.args(["-policy_check", "-explicit_policy"]);
    }
    for policy in wanted {
        command.args(["-policy", policy]);
    }
    command.arg("leaf.pem").output().unwrap().status.success()
}

fn write(path: &Path, certificates: &[&Issued]) {
    let text: String = certificates.iter().map(|issued| pem::encode("CERTIFICATE", &issued.der)).collect();
    fs::write(path, text).unwrap();
}
