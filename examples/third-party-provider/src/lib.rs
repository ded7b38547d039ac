#![doc = include_str!("../README.md")]

mod board;
mod carrier;
mod reminder;
mod tools;

use mindflight_core::{
    Jobs, Provider, ProviderContext, Result, Routes, Subscriptions, Tools, Verify,
    register_provider,
};

/// The type of the event that says where a parcel is now.
const MOVED: &str = "parcels.moved";

/// The provider: what its calls share.
pub struct Parcels {
    carrier_secret: String,
}

/// Its settings. A doc comment is a setting's documentation.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The secret that the carrier signs its messages with, as `whsec_…`; without it none gets in.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    carrier_secret: String,
}

impl Provider for Parcels {
    const ID: &'static str = "parcels";
    type Config = Config;

    async fn build(config: Config, _cx: ProviderContext) -> Result<Self> {
        let carrier_secret = config.carrier_secret;
        Ok(Self { carrier_secret })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("expect", "Notes a parcel that is on its way.", Self::expect).transactional();
        let track =
            "Tells where a parcel was seen last. Use it with a number that was noted before.";
        t.add("track", track, Self::track).read_only();
    }

    fn routes(&self, r: &mut Routes<Self>) {
        r.get("/board/{number}", Self::board);
        let verify = Verify::standard(|parcels: &Self| &parcels.carrier_secret);
        r.webhook("/carrier", verify, Self::carrier);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        j.add(Self::remind).transactional().every("0 8 * * *");
    }

    fn subscriptions(&self, s: &mut Subscriptions<Self>) {
        s.on(MOVED, Self::moved);
    }
}

register_provider!(Parcels);
