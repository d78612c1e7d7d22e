/// How often each address tried in vain in the last minute. Times in seconds of a monotonic clock.
///
/// 1. Of IPv6 the first 64 bits count: the rest is its holder's to choose.
/// 2. At most ``addressLimit`` addresses are known: an attacker with more of them costs no memory. The ones that were
///    quiet for the longest are forgotten.
package struct FailedTries: Sendable {
    package static let addressLimit = 4096

    private let limit: Int
    private var tries: [String: MinuteWindow] = [:]
    private var latest: [String: Double] = [:]

    /// - Parameter limit: tries a minute.
    package init(limit: Int) { self.limit = limit }

    /// Seconds until the address may try again; nil where it may now.
    package mutating func wait(_ address: String, at now: Double) -> Int? {
        let key = Self.network(of: address)
        guard var window = tries[key] else { return nil }
        let wait = window.wait(for: limit, at: now)
        tries[key] = window
        return wait > 0 ? Int(wait.rounded(.up)) : nil
    }

    package mutating func failed(_ address: String, at now: Double) {
        let key = Self.network(of: address)
        // 2
        if tries[key] == nil, tries.count >= Self.addressLimit { forgetQuietest(at: now) }
        // Beyond the limit each try counts anew, and none need be kept but the newest ones.
        if var window = tries[key], window.count(at: now) >= limit * 2 {
            latest[key] = now
            return
        }
        tries[key, default: MinuteWindow()].add(at: now)
        latest[key] = now
    }

    private mutating func forgetQuietest(at now: Double) {
        let old = latest.filter { $0.value <= now - Double(MinuteWindow.length) }.map(\.key)
        let forgotten = old.isEmpty ? latest.min { $0.value < $1.value }.map { [$0.key] } ?? [] : old
        for key in forgotten {
            tries[key] = nil
            latest[key] = nil
        }
    }

    /// 1
    static func network(of address: String) -> String {
        let parts = address.prefix { $0 != "%" }.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return address }
        // An IPv4 address as a socket of both families shows it.
        if let last = parts.last, last.contains(".") { return String(last) }
        let head = parts.prefix { !$0.isEmpty }
        let tail = parts.dropFirst(head.count).filter { !$0.isEmpty }
        let gap = Array(repeating: Substring("0"), count: max(0, 8 - head.count - tail.count))
        return (head + gap + tail).prefix(4).joined(separator: ":") + "::/64"
    }
}
