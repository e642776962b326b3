//! A message goes through UDP in packets that are encrypted in place, in pooled buffers.
//!
//! `cargo run --example encrypt_packets`
//!
//! Each packet is a header of 12 bytes (stream and packet number), the payload, and the tag of
//! ChaCha20-Poly1305 (RFC 8439), which also covers the header. The sender copies each payload
//! byte once, into the buffer that the socket sends. The receiver copies none: a packet is
//! decrypted where it came in, and its payload is linked into the message.

use core::error::Error;
use std::net::UdpSocket;

use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit, Nonce, Tag,
    aead::{AeadInOut, inout::InOutBuf},
};
use seg_pool::Pool;
use seg_seq::{Packet, SegmentedBuf, Sequence};

/// Bytes of UDP payload that pass through most networks.
const MTU: usize = 1_420;

const STREAM: [u8; 4] = *b"main";
const HEADER_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const MESSAGE_BYTES: usize = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let pool = Pool::new();
    // A key of a real transport comes from its handshake.
    let cipher = ChaCha20Poly1305::new(&Key::from([7; 32]));
    let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    sender.connect(receiver.local_addr()?)?;

    let message = message(&pool)?;
    let mut received = SegmentedBuf::new(&pool);
    let mut count = 0;
    for packet in message.packets(&pool, MTU, HEADER_BYTES, TAG_BYTES) {
        let mut packet = packet?;
        seal(&cipher, count, &mut packet)?;
        sender.send(&packet)?;
        // One after the other, as nobody sends lost packets again here.
        receive(&cipher, &receiver, count, &mut received)?;
        count += 1;
    }
    assert_eq!(received.sequence(), message);
    println!(
        "{MESSAGE_BYTES} bytes in {count} packets; the pool has {} bytes in all",
        pool.stats().held_bytes()
    );
    Ok(())
}

fn message(pool: &Pool) -> Result<Sequence, seg_pool::OutOfMemory> {
    let mut message = SegmentedBuf::new(pool);
    let text = b"All animals are equal, but some animals are more equal than others. ";
    while message.len() < MESSAGE_BYTES as u64 {
        message.try_extend_from_slice(text)?;
    }
    message.truncate(MESSAGE_BYTES as u64);
    Ok(message.freeze())
}

/// The nonce of a packet, which is its header: never the same for two packets.
fn nonce(number: u64) -> [u8; HEADER_BYTES] {
    let mut nonce = [0; HEADER_BYTES];
    nonce[..4].copy_from_slice(&STREAM);
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Puts the header before the payload, encrypts it, and puts the tag behind it.
fn seal(cipher: &ChaCha20Poly1305, number: u64, packet: &mut Packet) -> Result<(), Box<dyn Error>> {
    let nonce = nonce(number);
    packet.prepend(&nonce);
    let (header, payload) = packet.parts_mut();
    let tag =
        cipher.encrypt_inout_detached(&Nonce::from(nonce), header, InOutBuf::from(payload))?;
    packet.append(&tag);
    Ok(())
}

/// Receives a packet, decrypts it where it is, and links its payload.
fn receive(
    cipher: &ChaCha20Poly1305,
    socket: &UdpSocket,
    number: u64,
    received: &mut SegmentedBuf,
) -> Result<(), Box<dyn Error>> {
    let mut packet = received.pool().try_take(MTU)?;
    let len = socket.recv(packet.spare_initialized_mut())?;
    packet.advance_initialized(len);

    if len < HEADER_BYTES + TAG_BYTES {
        return Err("the packet is too short for a header and a tag".into());
    }
    let tag: [u8; TAG_BYTES] = packet.split_off(len - TAG_BYTES)[..].try_into()?;
    let header: [u8; HEADER_BYTES] = packet.split_to(HEADER_BYTES)[..].try_into()?;
    if header != nonce(number) {
        return Err("the packet is not the next one".into());
    }
    let payload = InOutBuf::from(&mut packet[..]);
    cipher.decrypt_inout_detached(&Nonce::from(header), &header, payload, &Tag::from(tag))?;
    received.push(packet.freeze());
    Ok(())
}

#[test]
fn the_message_arrives() -> Result<(), Box<dyn Error>> {
    main()
}
