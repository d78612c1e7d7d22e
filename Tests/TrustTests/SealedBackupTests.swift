import Foundation
import Testing
import Trust

struct SealedBackupTests {
    private static let secret = Array("the authority's key".utf8)

    @Test("A backup opens with its passphrase, however that is composed, and with no other")
    func roundTrip() throws {
        let sealed = try SealedBackup.seal(Self.secret, passphrase: "caf\u{e9} au lait")
        #expect(try SealedBackup.open(sealed, passphrase: "cafe\u{301} au lait") == Self.secret)
        #expect(throws: SealedBackup.Failure.wrongPassphrase) {
            try SealedBackup.open(sealed, passphrase: "cafe au lait")
        }
        #expect(sealed.starts(with: Array("llmstack-backup".utf8)))
        #expect(!Data(sealed).contains(Self.secret))
        // Salt and nonce: two backups of the same have nothing in common after what scrypt costs.
        let again = try SealedBackup.seal(Self.secret, passphrase: "caf\u{e9} au lait")
        #expect(sealed[19..<35] != again[19..<35])
    }

    @Test("What scrypt costs stands in the backup: N 2^17, r 8, p 1")
    func cost() throws {
        #expect(try SealedBackup.seal([], passphrase: "x")[15..<19] == [1, 17, 8, 1])
    }

    @Test("A changed backup does not open: neither salt, nonce, content nor tag")
    func mutations() throws {
        let sealed = try SealedBackup.seal(Self.secret, passphrase: "x")
        for index in [20, 36, 50, sealed.count - 1] {
            var changed = sealed
            changed[index] ^= 1
            #expect(throws: SealedBackup.Failure.wrongPassphrase) { try SealedBackup.open(changed, passphrase: "x") }
        }
    }

    @Test("What is no backup is told at once, and so is one that would cost too much")
    func rubbish() throws {
        let sealed = try SealedBackup.seal(Self.secret, passphrase: "x")
        for length in [0, 1, 14, 15, 20, 62] {
            #expect(throws: SealedBackup.Failure.noBackup) {
                try SealedBackup.open(Array(sealed.prefix(length)), passphrase: "x")
            }
        }
        for (index, value) in [(16, UInt8(40)), (16, 0), (17, 200), (18, 0)] {
            var costly = sealed
            costly[index] = value
            #expect(throws: SealedBackup.Failure.noBackup) { try SealedBackup.open(costly, passphrase: "x") }
        }
        var newer = sealed
        newer[15] = 2
        #expect(throws: SealedBackup.Failure.newerVersion(2)) { try SealedBackup.open(newer, passphrase: "x") }
        #expect(throws: SealedBackup.Failure.noPassphrase) { try SealedBackup.seal([], passphrase: "") }
        #expect(throws: SealedBackup.Failure.noPassphrase) { try SealedBackup.open(sealed, passphrase: "") }
    }
}
