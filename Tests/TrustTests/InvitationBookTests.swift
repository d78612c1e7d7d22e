import Cluster
import Foundation
import Testing
import Trust

struct InvitationBookTests {
    private let now = TestCluster.now

    private func refusal(_ result: Result<Invitation, InvitationBook.Refusal>) -> InvitationBook.Refusal? {
        guard case .failure(let refusal) = result else { return nil }
        return refusal
    }

    private func book() throws -> (InvitationBook, JoinToken) {
        let token = JoinToken(pin: try TestCluster().authority.pin)
        var book = InvitationBook()
        book.invite(.issuer, name: "box", hash: token.secretHash, now: now)
        return (book, token)
    }

    @Test("A token is good once")
    func once() throws {
        var (book, token) = try book()
        let invitation = try book.redeem(token.secret, now: now + 1).get()
        #expect(invitation.kind == .issuer && invitation.name == "box" && invitation.redeemed == now + 1)
        #expect(refusal(book.redeem(token.secret, now: now + 2)) == .used)
        #expect(refusal(book.redeem(token.secret, now: now + 1000)) == .used)
    }

    @Test(
        "A token is good for fifteen minutes, then expired for a day, then unknown",
        arguments: [
            (0, nil), (899, nil), (900, .expired), (86400, .expired), (900 + 86401, .unknown),
        ] as [(TimeInterval, InvitationBook.Refusal?)])
    func lifetime(_ seconds: TimeInterval, _ expected: InvitationBook.Refusal?) throws {
        var (book, token) = try book()
        #expect(refusal(book.redeem(token.secret, now: now + seconds)) == expected)
    }

    @Test("What was never invited is unknown, and uses nothing up")
    func unknown() throws {
        var (book, token) = try book()
        for secret in ["", "a", token.text, token.secret.uppercased(), token.secretHash.hex] {
            #expect(refusal(book.redeem(secret, now: now)) == .unknown)
        }
        #expect(refusal(book.redeem(token.secret, now: now)) == nil)
    }

    @Test("Each of many tokens lets its own role in")
    func many() throws {
        let pin = try TestCluster().authority.pin
        var book = InvitationBook()
        var tokens: [(JoinToken, AccessEntry.Kind)] = []
        for index in 0..<30 {
            let role = AccessEntry.Kind.allCases[index % 3]
            let token = JoinToken(pin: pin)
            tokens.append((token, role))
            book.invite(role, name: nil, hash: token.secretHash, now: now)
        }
        for (token, role) in tokens.shuffled() { #expect(try book.redeem(token.secret, now: now).get().kind == role) }
    }

    @Test("A book is kept without any secret, and old invitations are forgotten")
    func kept() throws {
        var (book, token) = try book()
        let json = try JSONEncoder().encode(book)
        #expect(!String(decoding: json, as: UTF8.self).contains(token.secret))
        #expect(try JSONDecoder().decode(InvitationBook.self, from: json) == book)
        book.invite(.client, name: nil, hash: JoinToken(pin: token.pin).secretHash, now: now + 2 * 86400)
        #expect(book.invitations.map(\.kind) == [.client])
        #expect(!(try JSONDecoder().decode(InvitationBook.self, from: json) == book))
    }
}
