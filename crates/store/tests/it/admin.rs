//! Making and dropping databases.

use mindflight_store::admin::{Admin, url_of_database};
use mindflight_store::{Error, Settings, Store};
use mindflight_testapp::TestDb;

#[tokio::test]
async fn a_missing_database_is_made_once() {
    let db = TestDb::new().await;
    let name = format!("{} \"odd\"", db.name());
    let encoded = name.replace(' ', "%20").replace('"', "%22");
    let settings = Settings::new(url_of_database(db.url(), &encoded));
    assert!(Store::create_database_if_missing(&settings).await.unwrap());
    assert!(!Store::create_database_if_missing(&settings).await.unwrap());
    let mut admin = Admin::connect(&db.settings()).await.unwrap();
    let error = admin.create_database(&name, None).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { detail, .. } if detail.contains("odd")),
        "{error:?}"
    );
    admin.drop_database(&name).await.unwrap();
    admin.drop_database(&name).await.unwrap();
    assert!(!admin.databases().await.unwrap().iter().any(|other| other.name == name));
}

#[tokio::test]
async fn each_test_has_its_own_database_and_it_goes_with_the_test() {
    let (one, two) = (TestDb::new().await, TestDb::new().await);
    assert_ne!(one.name(), two.name());
    let name = one.name().to_owned();
    one.store().ping().await.unwrap();
    drop(one);
    let mut admin = Admin::connect(&two.settings()).await.unwrap();
    let names: Vec<_> = admin.databases().await.unwrap().into_iter().map(|db| db.name).collect();
    assert!(!names.contains(&name));
    assert!(names.iter().any(|other| other == two.name()));
}

#[tokio::test]
async fn a_url_without_a_database_is_told_how_to_name_one() {
    let settings = Settings::new("postgres://somebody@localhost");
    let error = Store::create_database_if_missing(&settings).await.unwrap_err();
    assert!(
        matches!(&error, Error::Config(text) if text.contains("names no database")),
        "{error:?}"
    );
}
