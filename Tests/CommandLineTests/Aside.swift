import Foundation

/// Does what blocks on a thread of its own: those of the cooperative pool are few, and all tests share them.
func aside<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}

/// Awaits a condition. One that throws does not hold; the last look begins before the time is up.
func eventually(within limit: Duration = .seconds(30), _ condition: () async throws -> Bool) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if (try? await condition()) == true { return true }
        // Between two looks; nothing depends on its length.
        try? await Task.sleep(for: .milliseconds(20))
    }
    return false
}
