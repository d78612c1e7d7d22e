import Cluster
import Testing

struct AttemptsTests {
    private static let box = NodeID("box00000000")

    @Test(
        "Another host is asked where one gave no reply or cannot now",
        arguments: [
            (Attempts.Outcome.noReply, true), (.status(429), true), (.status(502), true), (.status(503), true),
            (.status(200), false), (.status(400), false), (.status(404), false), (.status(500), false),
            (.status(504), false),
        ])
    func outcomes(_ outcome: Attempts.Outcome, _ expected: Bool) {
        #expect(Attempts().mayAskAnother(after: outcome, RetryBudget(), at: 0) == expected)
    }

    @Test func `Two hosts are asked, no more`() {
        var attempts = Attempts()
        #expect(attempts.number == 1)
        attempts.passedBy(Self.box)
        #expect(attempts.number == 2)
        #expect(attempts.tried == [Self.box])
        #expect(!attempts.mayAskAnother(after: .noReply, RetryBudget(), at: 0))
    }

    @Test func `Two hosts are left for better ones, no more, and one failure is allowed beside that`() {
        var attempts = Attempts()
        for _ in 1...Attempts.withdrawalLimit {
            #expect(attempts.mayBeWithdrawn)
            attempts.withdrawn(from: Self.box)
        }
        #expect(!attempts.mayBeWithdrawn)
        #expect(attempts.number == 3)
        #expect(attempts.mayAskAnother(after: .noReply, RetryBudget(), at: 0))
        attempts.passedBy(Self.box)
        #expect(!attempts.mayAskAnother(after: .noReply, RetryBudget(), at: 0))
        var committed = Attempts()
        committed.commit()
        #expect(!committed.mayBeWithdrawn)
        #expect(!Attempts(isPlacedElsewhere: true).mayBeWithdrawn)
    }

    @Test func `Nobody else is asked once a byte has gone out, or where another router has placed the request`() {
        var attempts = Attempts()
        attempts.commit()
        #expect(!attempts.mayAskAnother(after: .noReply, RetryBudget(), at: 0))
        #expect(!Attempts(isPlacedElsewhere: true).mayAskAnother(after: .status(503), RetryBudget(), at: 0))
    }

    @Test func `A fault is retried while the budget lasts; a refusal goes on without`() {
        var budget = RetryBudget()
        for _ in 0..<RetryBudget.least { budget.retried(at: 5) }
        #expect(!Attempts().mayAskAnother(after: .noReply, budget, at: 5))
        #expect(!Attempts().mayAskAnother(after: .status(503), budget, at: 5))
        #expect(Attempts().mayAskAnother(after: .status(429), budget, at: 5))
        #expect(Attempts().mayAskAnother(after: .noReply, budget, at: 15))
    }

    @Test func `Why nobody else is asked is told by its rule`() {
        var (spent, second, committed) = (RetryBudget(), Attempts(), Attempts())
        for _ in 0..<RetryBudget.least { spent.retried(at: 5) }
        second.passedBy(Self.box)
        committed.commit()
        let hindrances: [Attempts.Hindrance?] = [
            Attempts().hindrance(after: .noReply, RetryBudget(), at: 5),
            Attempts().hindrance(after: .noReply, spent, at: 5),
            second.hindrance(after: .noReply, spent, at: 5),
            second.hindrance(after: .status(200), spent, at: 5),
            committed.hindrance(after: .noReply, spent, at: 5),
            Attempts(isPlacedElsewhere: true).hindrance(after: .noReply, spent, at: 5),
        ]
        #expect(hindrances == [nil, .budget, .limit, .answered, .committed, .placedElsewhere])
    }
}

struct RetryBudgetTests {
    @Test(
        "Three retries in ten seconds, and one for five requests",
        arguments: [(0, 3), (4, 4), (5, 4), (6, 5), (10, 5), (100, 23)])
    func amount(_ requests: Int, _ expected: Int) {
        var budget = RetryBudget()
        for _ in 0..<requests { budget.took(at: 100) }
        var retries = 0
        while budget.allowsRetry(at: 100), retries < 1000 {
            budget.retried(at: 100)
            retries += 1
        }
        #expect(retries == expected)
    }

    @Test(
        "What was ten seconds ago counts no more",
        arguments: [(0.0, false), (9, false), (9.9, false), (10, true), (11, true), (1000, true)])
    func window(_ later: Double, _ expected: Bool) {
        for origin in [-1000.0, -5, 0, 7, 1e9] {
            var budget = RetryBudget()
            for _ in 0..<RetryBudget.least { budget.retried(at: origin) }
            #expect(budget.allowsRetry(at: origin + later) == expected, "from \(origin)")
        }
    }

    @Test func `Requests long ago buy nothing`() {
        var budget = RetryBudget()
        for _ in 0..<100 { budget.took(at: 0) }
        for _ in 0..<RetryBudget.least { budget.retried(at: 10) }
        #expect(!budget.allowsRetry(at: 10))
    }
}
