import Cluster
import Testing

/// What a key may do at a time, and in a minute; and who tried in vain too often.
struct KeyTrafficTests {
    @Test func noMoreThanSoManyAtOnce() {
        var traffic = KeyTraffic()
        let limits = KeyLimits(inFlight: 2, perMinute: 100)
        #expect(traffic.enter("laptop01", limits, at: 0) == nil)
        #expect(traffic.enter("laptop01", limits, at: 0) == nil)
        #expect(traffic.enter("laptop01", limits, at: 0) == .tooManyAtOnce(2))
        #expect(traffic.enter("laptop02", limits, at: 0) == nil)
        traffic.leave("laptop01")
        #expect(traffic.enter("laptop01", limits, at: 0) == nil)
        #expect(traffic.inFlight("laptop01") == 2)
    }

    @Test func noMoreThanSoManyInAnyMinute() {
        var traffic = KeyTraffic()
        let limits = KeyLimits(inFlight: 1, perMinute: 3)
        for second in [0.0, 10, 20] {
            #expect(traffic.enter("laptop01", limits, at: second) == nil)
            traffic.leave("laptop01")
        }
        #expect(traffic.enter("laptop01", limits, at: 30) == .tooManyAMinute(3, retryAfter: 30))
        #expect(traffic.enter("laptop01", limits, at: 59.5) == .tooManyAMinute(3, retryAfter: 1))
        #expect(traffic.enter("laptop01", limits, at: 60) == nil)
        traffic.leave("laptop01")
        #expect(traffic.enter("laptop01", limits, at: 61) == .tooManyAMinute(3, retryAfter: 9))
    }

    @Test func whoWasRefusedDoesNotWaitLongerForIt() {
        var traffic = KeyTraffic()
        let limits = KeyLimits(inFlight: 1, perMinute: 1)
        #expect(traffic.enter("laptop01", limits, at: 0) == nil)
        traffic.leave("laptop01")
        for second in 1...59 {
            #expect(
                traffic.enter("laptop01", limits, at: Double(second)) == .tooManyAMinute(1, retryAfter: 60 - second))
        }
        #expect(traffic.enter("laptop01", limits, at: 60) == nil)
    }

    @Test func theSixthTryInAMinuteWaits() {
        var tries = FailedTries(limit: 5)
        for second in 0..<5 {
            #expect(tries.wait("10.0.0.1", at: Double(second)) == nil)
            tries.failed("10.0.0.1", at: Double(second))
        }
        #expect(tries.wait("10.0.0.1", at: 5) == 55)
        #expect(tries.wait("10.0.0.2", at: 5) == nil)
        #expect(tries.wait("10.0.0.1", at: 60) == nil)
    }

    @Test(arguments: [
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff::9", true), ("2001:db8:1:2::7", "2001:db8:1:3::7", false),
        ("fe80::1%eth0", "fe80::2%eth1", true), ("::1", "::2", true), ("2001:db8::", "2001:db8:0:0:9::", true),
        ("::ffff:10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false),
    ])
    func ofIPv6TheNetworkCounts(_ first: String, _ second: String, _ isSame: Bool) {
        var tries = FailedTries(limit: 1)
        tries.failed(first, at: 0)
        #expect((tries.wait(second, at: 1) != nil) == isSame)
    }

    @Test func manyAddressesCostNoMemoryAndHideNobodyRecent() {
        var tries = FailedTries(limit: 1)
        for number in 0..<(FailedTries.addressLimit * 2) {
            tries.failed("10.\(number >> 16).\(number >> 8 & 255).\(number & 255)", at: Double(number) / 1000)
        }
        let last = FailedTries.addressLimit * 2 - 1
        #expect(tries.wait("10.\(last >> 16).\(last >> 8 & 255).\(last & 255)", at: 9) != nil)
        #expect(tries.wait("10.0.0.0", at: 9) == nil)
    }
}
