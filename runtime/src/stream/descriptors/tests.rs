use super::*;
use std::fs::File;

#[test]
fn each_belongs_to_its_byte() {
    let descriptors = Descriptors::default();
    for position in [1, 5, 9] {
        descriptors.push(position, File::open("/dev/null").unwrap().into());
    }
    assert!(descriptors.take(2).is_err());
    assert!(descriptors.take(5).is_ok());
    assert!(descriptors.take(5).is_err());
    descriptors.drop_before(9);
    assert!(descriptors.take(1).is_err());
    assert!(descriptors.take(9).is_ok());
}
