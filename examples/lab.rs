//! Runs a lab for other programs to be measured against: a TLS server, CRL, OCSP and caIssuers services
//! and a name server, on loopback.
//!
//!     lab FOLDER [--scenario NAME] [--delay MILLISECONDS] [--large-crl ENTRIES]
//!
//! Writes the trust anchors to FOLDER/roots.pem, prints one line of JSON that says where everything is,
//! and serves until its standard input ends.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use certflight::lab::stage::{Lab, standard, with_large_crl};
use certflight::lab::{Scenario, Variant};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let wanted = Wanted::parse(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let lab = runtime.block_on(wanted.start())?;
    let roots = wanted.folder.join("roots.pem");
    std::fs::copy(&lab.roots_file, &roots).with_context(|| format!("cannot write {}", roots.display()))?;
    let name = "www.certflight.test";
    let port = lab.target.rsplit_once(':').map(|(_, port)| port).context("the scenario's target has no port")?;
    let line = json!({
        "target": lab.target,
        "address": format!("127.0.0.1:{port}"),
        "name": name,
        "dns_server": lab.dns_server.to_string(),
        "pins": lab.pins.iter().map(|(name, address)| format!("{name}:{address}")).collect::<Vec<_>>(),
        "roots": roots,
        "crl": format!("http://crl.certflight.test:{}/root.crl", lab.http_port),
    });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()?;
    std::io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

struct Wanted {
    folder: PathBuf,
    scenario: Option<String>,
    delay: Option<Duration>,
    large_crl: Option<u32>,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let folder = arguments.next().context("usage: lab FOLDER [--scenario NAME] [--delay MS] [--large-crl N]")?;
        let mut wanted = Self { folder: folder.into(), scenario: None, delay: None, large_crl: None };
        while let Some(option) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--scenario" => wanted.scenario = Some(value),
                "--delay" => wanted.delay = Some(Duration::from_millis(value.parse()?)),
                "--large-crl" => wanted.large_crl = Some(value.parse()?),
                _ => bail!("there is no option {option}"),
            }
        }
        if wanted.scenario.is_some() && (wanted.delay.is_some() || wanted.large_crl.is_some()) {
            bail!("--delay and --large-crl are for the sound lab, without --scenario");
        }
        Ok(wanted)
    }

    async fn start(&self) -> anyhow::Result<Lab> {
        Ok(match (&self.scenario, self.large_crl) {
            (Some(name), _) => Lab::start(&Scenario::named(name)?, Variant::Firing).await?,
            (None, Some(entries)) => with_large_crl(entries, self.delay).await?,
            (None, None) => standard(self.delay).await?,
        })
    }
}
