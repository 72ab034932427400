//! One real cause at least for every outcome word.

use crate::world::World;

#[test]
fn all_is_well() {
    let Some(world) = World::sound("all_is_well", &[]) else { return };
    let seen = world.check(&[]);
    assert_eq!(seen.exit, 0, "{seen}");
    assert!(seen.words().iter().all(|word| word == "ok"), "{seen}");
}

#[test]
fn firewall_drops() {
    let Some(world) = World::sound("firewall_drops", &[]) else { return };
    world.net.forwarding("tcp dport 443 drop");
    let seen = world.check(&[]);
    assert_eq!(seen.words(), ["timeout"], "{seen}");
    let remedy = "allow outbound TCP to www.real.test (203.0.113.10) port 443 from this host";
    seen.only().says("connection.failed", &["no answer from 203.0.113.10:443"], &[remedy]);
}
