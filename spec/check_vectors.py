#!/usr/bin/env python3
"""Tries reader.py on every file of vectors.toml: `check_vectors.py [FOLDER]`."""
import pathlib, sys, tomllib
import reader

def main(folder):
    files, wrong, unhex = tomllib.loads((folder / "vectors.toml").read_text())["file"], 0, bytes.fromhex
    for file in files:
        opens, want = file["opens"], file.get("head")
        given = {1: opens.get("passphrase", "").encode(), 2: unhex(opens.get("recovery", ""))}
        given[8] = unhex(opens.get("store", ""))
        if want:
            want |= {"file_id": unhex(want["file_id"]), "chain": unhex(want["chain"])}
        try:
            _, frames = reader.read((folder / f"{file['name']}.svault").read_bytes(), opens["slot"], given, want)
            said = len(frames)
            for frame, row in zip(frames, file.get("frame", [])):
                hexed = {k: v.hex() if isinstance(v, bytes) else v for k, v in frame.items()}
                same = ("record", "version", "kind", "body", "chain", "tx_count", "offset")
                if any(hexed[k] != row[k] for k in same) or hexed["value"] != row.get("value"):
                    said = f"another frame at {row['offset']}"
        except reader.Bad as e:
            said = e.name
        if said != (right := file.get("error", file.get("frames"))):
            wrong += 1
            print(f"{file['name']}: {said}, not {right}")
    print(f"{len(files)} files, {wrong} wrong")
    return 1 if wrong else 0

if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "vectors")))
