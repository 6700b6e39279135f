#!/usr/bin/env python3
"""A FIDO security key in software, for trials: its SSH public key, and its signatures (PROTOCOL.u2f,
PROTOCOL.sshsig of OpenSSH), by openssl.

  authenticator.py new KEY                    a key, and KEY.pub
  authenticator.py sign KEY NAMESPACE FILE    FILE.sig
"""
import base64, hashlib, pathlib, struct, subprocess, sys, tempfile

KIND, APPLICATION, TOUCHED, COUNTER = b"sk-ssh-ed25519@openssh.com", b"ssh:", b"\1", struct.pack(">I", 7)


def string(text):
    return struct.pack(">I", len(text)) + text


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, stdout=subprocess.PIPE).stdout


def public(key):
    raw = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-32:]
    return string(KIND) + string(raw) + string(APPLICATION)


def new(key):
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    line = KIND + b" " + base64.b64encode(public(key)) + b" " + pathlib.Path(key).name.encode() + b"\n"
    pathlib.Path(key + ".pub").write_bytes(line)


def sign(key, namespace, file):
    about = string(namespace.encode()) + string(b"") + string(b"sha512")
    text = hashlib.sha512(pathlib.Path(file).read_bytes()).digest()
    message = hashlib.sha256(b"SSHSIG" + about + string(text)).digest()
    with tempfile.NamedTemporaryFile() as signed:
        signed.write(hashlib.sha256(APPLICATION).digest() + TOUCHED + COUNTER + message)
        signed.flush()
        raw = openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", signed.name)
    signature = string(KIND) + string(raw) + TOUCHED + COUNTER
    blob = b"SSHSIG" + struct.pack(">I", 1) + string(public(key)) + about + string(signature)
    lines = base64.encodebytes(blob).decode()
    armored = f"-----BEGIN SSH SIGNATURE-----\n{lines}-----END SSH SIGNATURE-----\n"
    pathlib.Path(file + ".sig").write_text(armored)


{"new": new, "sign": sign}[sys.argv[1]](*sys.argv[2:])
