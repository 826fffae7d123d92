//! `.env` files: no panic, errors inside the text, every byte kept, and what is written is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let file = match dotenv::parse(text) {
        Ok(file) => file,
        Err(e) => {
            assert!(e.line >= 1 && e.column >= 1 && e.line <= text.split(['\n', '\r']).count(), "{e}");
            return;
        }
    };
    assert_eq!(*file.replace(&[]), *text);
    let Ok(values) = file.values(|_| None) else { return };
    let news: Vec<(usize, &str)> = values.iter().enumerate().map(|(i, v)| (i, v.text.as_str())).collect();
    let again = file.replace(&news);
    let reread = dotenv::parse(&again).expect("what was written");
    let same = reread.values(|_| None).expect("no expansion is left");
    assert!(values.len() == same.len() && values.iter().zip(&same).all(|(a, b)| *a.text == *b.text));
});
