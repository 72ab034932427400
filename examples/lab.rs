//! Runs a lab for other programs to be measured against, or to be shown around in: a TLS or mail server, CRL, OCSP and
//! caIssuers services and a name server.
//!
//!     lab FOLDER [--scenario NAME] [--silent true] [--delay MILLISECONDS] [--large-crl ENTRIES]
//!         [--address ADDRESS] [--port PORT] [--http-port PORT] [--dns-port PORT]
//!
//! Writes the trust anchors to FOLDER/roots.pem and the scenario's files beside it, prints one line of JSON that says
//! where everything is, and serves until its standard input ends. It stands on 127.0.0.1 at free ports unless told
//! otherwise: `--port 25 --http-port 80 --dns-port 53` and the address of a network namespace make it look like the
//! real thing there.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use certflight::lab::stage::{Lab, standard, with_large_crl};
use certflight::lab::{Placement, Scenario, Variant};
use serde_json::json;

fn main() -> anyhow::Result<()> {
    let wanted = Wanted::parse(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let lab = runtime.block_on(wanted.start())?;
    for entry in std::fs::read_dir(lab.folder())? {
        let from = entry?.path();
        let to = wanted.folder.join(from.file_name().unwrap_or_default());
        std::fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    let (name, port) = lab
        .target
        .split_once("://")
        .and_then(|(_, place)| place.rsplit_once(':'))
        .context("the scenario's target is no server")?;
    let line = json!({
        "target": lab.target,
        "address": format!("{}:{port}", wanted.placement.address),
        "name": name,
        "dns_server": lab.dns_server.to_string(),
        "pins": lab.pins.iter().map(|(name, address)| format!("{name}:{address}")).collect::<Vec<_>>(),
        "roots": wanted.folder.join("roots.pem"),
        "http_port": lab.http_port,
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
    variant: Variant,
    delay: Option<Duration>,
    large_crl: Option<u32>,
    placement: Placement,
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let folder = arguments.next().context("usage: lab FOLDER [--scenario NAME] [--delay MS] [--large-crl N]")?;
        let mut wanted = Self {
            folder: folder.into(),
            scenario: None,
            variant: Variant::Firing,
            delay: None,
            large_crl: None,
            placement: Placement::default(),
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{option} needs a value"))?;
            match option.as_str() {
                "--scenario" => wanted.scenario = Some(value),
                "--silent" => wanted.variant = if value.parse()? { Variant::Silent } else { Variant::Firing },
                "--delay" => wanted.delay = Some(Duration::from_millis(value.parse()?)),
                "--large-crl" => wanted.large_crl = Some(value.parse()?),
                "--address" => wanted.placement.address = value.parse()?,
                "--port" => wanted.placement.port = value.parse()?,
                "--http-port" => wanted.placement.http_port = value.parse()?,
                "--dns-port" => wanted.placement.dns_port = value.parse()?,
                _ => bail!("there is no option {option}"),
            }
        }
        if wanted.scenario.is_some() && (wanted.delay.is_some() || wanted.large_crl.is_some()) {
            bail!("--delay and --large-crl are for the sound lab, without --scenario");
        }
        let placed = wanted.placement != Placement::default() || wanted.variant != Variant::Firing;
        if wanted.scenario.is_none() && placed {
            bail!("--silent, --address and the ports are for a scenario: --scenario clean is the sound lab");
        }
        Ok(wanted)
    }

    async fn start(&self) -> anyhow::Result<Lab> {
        Ok(match (&self.scenario, self.large_crl) {
            (Some(name), _) => Lab::start_at(&Scenario::named(name)?, self.variant, self.placement).await?,
            (None, Some(entries)) => with_large_crl(entries, self.delay).await?,
            (None, None) => standard(self.delay).await?,
        })
    }
}
