//! The outside of a file: `integrity` first, the header once its hash holds, and no tensor yet.

use std::path::Path;

use crate::array::Dtype;
use crate::error::{Context, Damage, Error, Part};
use crate::facts::Facts;
use crate::filesystem::{FileHandle, read_exact_at};
use crate::header::{self, Header, TensorInfo};
use crate::integrity::{self, END, FIXED, FORMAT_VERSION, Integrity, Refusal};

#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) header: Header,
    pub(crate) integrity: Integrity,
    pub(crate) facts: Facts,
}

impl Envelope {
    pub(crate) fn read(file: &dyn FileHandle, path: &Path) -> Result<Self, Error> {
        let file_len = file.size().context("read the length of", path)?;
        let integrity = read_integrity(file, path, file_len)?;
        let bytes = read(file, path, 0, integrity.header_len)?;
        let damaged = |reason: String| {
            let damage = vec![Damage { part: Part::Header, range: 0..integrity.header_len, reason }];
            Error::Damaged { path: path.to_path_buf(), damage }
        };
        let found = twox_hash::XxHash3_128::oneshot(&bytes);
        if found != integrity.header {
            let expected = integrity.header;
            return Err(damaged(format!("XXH3-128 is {found:032x}, {expected:032x} was written")));
        }
        let header = Header::parse(&bytes, file_len).map_err(damaged)?;
        let own_len = integrity::len(integrity.tensors.len());
        match header.tensors.last() {
            Some(TensorInfo { name, dtype: Dtype::U8, shape, .. })
                if name == integrity::NAME
                    && *shape == [own_len as usize]
                    && header.tensors.len() == integrity.tensors.len() + 1 => {}
            _ => {
                return Err(damaged(
                    "`integrity` is not the last tensor, or not the one of this header".to_owned(),
                ));
            }
        }
        if let Some(other) = header.tensors.iter().find(|tensor| !tensor.dtype.is_stored()) {
            return Err(damaged(format!("tensor `{}`: elements of {}", other.name, other.dtype)));
        }
        let facts = Facts::from_metadata(&header.metadata).map_err(damaged)?;
        Ok(Self { header, integrity, facts })
    }

    /// The tensors but the last, each with its hash.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&TensorInfo, &u128)> {
        self.header.tensors.iter().zip(&self.integrity.tensors)
    }

    /// Where `integrity` begins.
    pub(crate) fn data_end(&self) -> u64 {
        self.integrity.file_len - integrity::len(self.integrity.tensors.len())
    }
}

/// The header of a safetensors file that has no `integrity`, and its length.
pub(crate) fn read_foreign(file: &dyn FileHandle, path: &Path) -> Result<(Header, u64), Error> {
    let other = |reason: String| Error::Foreign { path: path.to_path_buf(), reason };
    let file_len = file.size().context("read the length of", path)?;
    let mut first = [0; 8];
    if file_len >= 8 {
        read_exact_at(file, &mut first, 0).context("read", path)?;
    }
    let header_len =
        header::claimed_len(first).filter(|&len| len <= file_len).ok_or_else(|| other(no_header(first)))?;
    let header = Header::parse(&read(file, path, 0, header_len)?, file_len);
    Ok((header.map_err(other)?, header_len))
}

/// What a file may be that begins like this, and what to do about it.
fn no_header(first: [u8; 8]) -> String {
    let other = match &first {
        [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..] => {
            ": torch.save writes such files; in Python, \
             safetensors.torch.save_file(torch.load(OLD, weights_only=True), NEW) makes one of a state_dict"
        }
        b"version " => ": it may be a pointer of Git LFS, and `git lfs pull` fetches the file",
        _ => "",
    };
    format!("no safetensors header{other}")
}

fn read_integrity(file: &dyn FileHandle, path: &Path, file_len: u64) -> Result<Integrity, Error> {
    let damaged = |reason: &str| Err(diagnose(file, path, file_len, reason.to_owned()));
    if file_len < FIXED + 8 {
        return damaged("the file is too short for it");
    }
    let mut end = [0; END as usize];
    read_exact_at(file, &mut end, file_len - END).context("read", path)?;
    let Some(len) = integrity::claimed_len(&end).filter(|&len| len <= file_len - 8) else {
        return damaged("its end is not that of one");
    };
    let integrity = match Integrity::decode(&read(file, path, file_len - len, len)?) {
        Ok(integrity) => integrity,
        Err(Refusal::Damaged(reason)) => return damaged(&reason),
        Err(Refusal::Version(version)) => {
            let path = path.to_path_buf();
            return Err(Error::FormatVersion { path, version, supported: FORMAT_VERSION });
        }
    };
    if integrity.file_len != file_len {
        return damaged(&format!(
            "it belongs to a file of {} bytes, this one has {file_len}",
            integrity.file_len
        ));
    }
    if integrity.header_len < 8 || integrity.header_len > (file_len - len).min(header::MAX_HEADER + 8) {
        return damaged("it names an impossible length of the header");
    }
    Ok(integrity)
}

/// Without an `integrity` tensor that holds: is the file cut off, damaged there, or something else altogether?
fn diagnose(file: &dyn FileHandle, path: &Path, file_len: u64, reason: String) -> Error {
    let other =
        |reason: String| Error::NotACheckpoint { path: path.to_path_buf(), reason, is_safetensors: false };
    let damaged = |part, range, reason| Error::Damaged {
        path: path.to_path_buf(),
        damage: vec![Damage { part, range, reason }],
    };
    if file_len < 8 {
        return other(format!("its {file_len} bytes are too few"));
    }
    let mut first = [0; 8];
    if let Err(error) = read_exact_at(file, &mut first, 0).context("read", path) {
        return error;
    }
    let Some(header_len) = header::claimed_len(first) else {
        return other(no_header(first));
    };
    if header_len > file_len {
        let reason = format!("the header alone has {header_len} bytes, the file {file_len}");
        return damaged(Part::Length, file_len..header_len, reason);
    }
    let header = match read(file, path, 0, header_len) {
        Ok(bytes) => Header::parse_without_length(&bytes),
        Err(error) => return error,
    };
    let header = match header {
        Ok(header) => header,
        Err(reason) => return other(format!("no safetensors header: {reason}")),
    };
    match header.tensors.last().filter(|t| t.name == integrity::NAME).map(|t| t.range.clone()) {
        None => Error::NotACheckpoint {
            path: path.to_path_buf(),
            reason: "a safetensors file without an `integrity` tensor at its end".to_owned(),
            is_safetensors: true,
        },
        Some(range) if range.end != file_len => {
            let reason = format!("the header describes {} bytes, the file has {file_len}", range.end);
            damaged(Part::Length, range.end.min(file_len)..range.end.max(file_len), reason)
        }
        Some(range) => damaged(Part::Integrity, range, reason),
    }
}

fn read(file: &dyn FileHandle, path: &Path, offset: u64, len: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; len as usize];
    read_exact_at(file, &mut bytes, offset).context("read", path)?;
    Ok(bytes)
}
