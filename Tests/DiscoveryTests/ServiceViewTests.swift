import Discovery
import Testing

struct ServiceViewTests {
    private static let type = "_llmstack._tcp"
    private static let ethernet = Link(interface: 2, version: 4)
    private static let ethernet6 = Link(interface: 2, version: 6)
    private static let docker = Link(interface: 4, version: 4)

    /// A view with a clock and a memory of what it asks.
    private struct Bench {
        var view: ServiceView
        var now = Duration.zero
        var asked: Set<RecordQuery> = []
        var warnings: [ServiceView.Warning] = []
        var browses = 0

        init(_ change: (inout ServiceView.Limits) -> Void = { _ in }) {
            var limits = ServiceView.Limits()
            change(&limits)
            view = ServiceView(
                limits: limits,
                interfaces: [
                    HostInterface(
                        index: 2, name: "eth0",
                        networks: [IPNetwork(address: IPAddress("10.0.0.9")!, prefixLength: 24)]),
                    HostInterface(
                        index: 4, name: "docker0",
                        networks: [IPNetwork(address: IPAddress("172.17.0.1")!, prefixLength: 16)]),
                ])
        }

        /// Lets time pass, tick by tick; returns what was told.
        mutating func pass(_ time: Duration = .milliseconds(50)) -> [DirectoryEvent] {
            let end = now + time
            var events: [DirectoryEvent] = []
            while let next = view.nextDeadline, next <= end {
                now = max(now, next)
                for action in view.tick(at: now) {
                    switch action {
                    case .start(let query):
                        let isNew = asked.insert(query).inserted
                        #expect(isNew)
                    case .stop(let query):
                        let stopped = asked.remove(query)
                        #expect(stopped != nil)
                    case .event(let event): events.append(event)
                    case .browseAgain: browses += 1
                    case .warn(let warning): warnings.append(warning)
                    }
                }
            }
            now = end
            return events
        }

        mutating func appear(_ name: String, on link: Link = ethernet) {
            view.appeared(name, type: type, domain: "local", on: link, at: now)
        }

        mutating func disappear(_ name: String, on link: Link = ethernet) {
            view.disappeared(name, type: type, domain: "local", on: link, at: now)
        }

        mutating func answer(
            _ name: String, _ kind: RecordData.Kind, _ bytes: [UInt8], on link: Link = ethernet, isPresent: Bool = true
        ) {
            view.answered(RecordQuery(name, kind), bytes, isPresent: isPresent, on: link, at: now)
        }

        mutating func service(
            _ name: String, host: String, port: Int = 10103, on link: Link = ethernet, isPresent: Bool = true
        ) {
            let labels = host.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            let bytes = [0, 0, 0, 0, UInt8(port >> 8), UInt8(port & 255)] + labels + [0]
            answer(full(name), .service, bytes, on: link, isPresent: isPresent)
        }

        mutating func text(_ name: String, _ entries: [String], on link: Link = ethernet, isPresent: Bool = true) {
            answer(full(name), .text, RecordData.bytes(ofText: entries), on: link, isPresent: isPresent)
        }

        mutating func address(_ host: String, _ text: String, on link: Link = ethernet, isPresent: Bool = true) {
            guard let address = IPAddress(text) else { return }
            answer(host, address.family == .v4 ? .ipv4 : .ipv6, address.bytes, on: link, isPresent: isPresent)
        }

        /// All that it takes for a service to be found.
        mutating func announce(_ name: String, host: String = "a.local", address: String = "10.0.0.1")
            -> [DirectoryEvent]
        {
            appear(name)
            var events = pass()
            service(name, host: host)
            text(name, ["gen=1"])
            events += pass()
            self.address(host, address)
            return events + pass()
        }

        func full(_ name: String) -> String { ServiceName.full(name, type: type, domain: "local") }
    }

    /// `name@host:port text addresses`
    private static func line(_ event: DirectoryEvent) -> String {
        switch event {
        case .found(let service):
            let addresses = service.addresses.map(\.text).joined(separator: ",")
            return "\(service.name)@\(service.host):\(service.port) \(service.text.joined(separator: ",")) \(addresses)"
        case .lost(let id): return "lost \(id.name)@\(id.host)"
        case .allForNow: return "all"
        default: return "?"
        }
    }

    private static func lines(_ events: [DirectoryEvent]) -> [String] { events.map(line) }

    @Test func aServiceIsToldOnceAllOfItIsKnown() {
        var bench = Bench()
        bench.appear("studio")
        #expect(bench.pass() == [])
        let name = bench.full("studio")
        #expect(bench.asked == [RecordQuery(name, .service), RecordQuery(name, .text)])
        bench.service("studio", host: "A.local")
        bench.text("studio", ["v=1", "gen=1"])
        #expect(bench.pass() == [])
        #expect(bench.asked.isSuperset(of: [RecordQuery("a.local", .ipv4), RecordQuery("a.local", .ipv6)]))
        bench.address("a.local", "10.0.0.1")
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103 v=1,gen=1 10.0.0.1"])
        #expect(bench.pass(.seconds(60)) == [])
    }

    @Test func whatIsSeenOverSeveralLinksIsOneService() {
        var bench = Bench()
        for link in [Self.docker, Self.ethernet, Self.ethernet6] { bench.appear("studio", on: link) }
        _ = bench.pass()
        for link in [Self.docker, Self.ethernet, Self.ethernet6] {
            bench.service("studio", host: "a.local", on: link)
            bench.text("studio", ["gen=1"], on: link)
        }
        _ = bench.pass()
        bench.address("a.local", "172.17.0.2", on: Self.docker)
        bench.address("a.local", "fe80::1", on: Self.ethernet6)
        bench.address("a.local", "10.0.0.1")
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103 gen=1 10.0.0.1,fe80::1%eth0,172.17.0.2"])
        bench.disappear("studio", on: Self.docker)
        bench.disappear("studio", on: Self.ethernet6)
        #expect(bench.pass() == [])
        bench.disappear("studio")
        #expect(Self.lines(bench.pass()) == ["lost studio@a.local"])
        #expect(bench.asked.isEmpty)
        #expect(bench.view.count == 0)
    }

    @Test func oneNameOnTwoHostsIsTwoServices() {
        var bench = Bench()
        for (link, host) in [(Self.ethernet, "a.local"), (Self.docker, "b.local")] {
            bench.appear("studio", on: link)
            _ = bench.pass()
            bench.service("studio", host: host, on: link)
            bench.text("studio", ["id=\(host)"], on: link)
        }
        _ = bench.pass()
        bench.address("a.local", "10.0.0.1")
        bench.address("b.local", "172.17.0.2", on: Self.docker)
        #expect(
            Self.lines(bench.pass()).sorted() == [
                "studio@a.local:10103 id=a.local 10.0.0.1", "studio@b.local:10103 id=b.local 172.17.0.2",
            ])
    }

    @Test func aChangedTextIsToldOnceThoughItsPredecessorGoesLater() {
        var bench = Bench()
        _ = bench.announce("studio")
        bench.text("studio", ["gen=2"])
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103 gen=2 10.0.0.1"])
        bench.text("studio", ["gen=1"], isPresent: false)
        #expect(bench.pass(.seconds(2)) == [])
    }

    @Test func addressesComeAndGo() {
        var bench = Bench()
        _ = bench.announce("studio")
        bench.address("a.local", "10.0.0.2")
        bench.address("a.local", "10.0.0.1", isPresent: false)
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103 gen=1 10.0.0.2"])
        // None for a moment: the last that worked stays.
        bench.address("a.local", "10.0.0.2", isPresent: false)
        #expect(bench.pass() == [])
    }

    @Test func anotherNameOfTheHostReplacesTheService() {
        var bench = Bench()
        _ = bench.announce("studio")
        bench.service("studio", host: "a-2.local")
        #expect(bench.pass() == [])
        bench.address("a-2.local", "10.0.0.1")
        #expect(
            Self.lines(bench.pass()).sorted() == ["lost studio@a.local", "studio@a-2.local:10103 gen=1 10.0.0.1"])
    }

    @Test func newInterfacesSortAnew() {
        var bench = Bench()
        _ = bench.announce("studio")
        bench.address("a.local", "192.168.1.1", on: Link(interface: 7, version: 4))
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103 gen=1 10.0.0.1,192.168.1.1"])
        bench.view.order = AddressOrder([
            HostInterface(
                index: 7, name: "wlan0", networks: [IPNetwork(address: IPAddress("192.168.1.9")!, prefixLength: 24)])
        ])
        let events = bench.view.tick(at: bench.now)
        #expect(
            events.compactMap { if case .event(let event) = $0 { Self.line(event) } else { nil } } == [
                "studio@a.local:10103 gen=1 192.168.1.1,10.0.0.1"
            ])
    }

    @Test func allForNowComesAfterTheLookups() {
        var bench = Bench()
        bench.appear("studio")
        _ = bench.pass()
        bench.view.allForNow(at: bench.now)
        #expect(bench.pass() == [])
        bench.service("studio", host: "a.local")
        bench.text("studio", [])
        _ = bench.pass()
        bench.address("a.local", "10.0.0.1")
        #expect(Self.lines(bench.pass()) == ["studio@a.local:10103  10.0.0.1", "all"])
    }

    @Test func allForNowDoesNotWaitForNamesThatDoNotAnswer() {
        var bench = Bench()
        bench.appear("studio")
        bench.view.allForNow(at: bench.now)
        #expect(bench.pass(.milliseconds(2999)) == [])
        #expect(Self.lines(bench.pass(.milliseconds(1))) == ["all"])
    }

    @Test func afterARestartWhatIsStillThereIsNotToldAndTheRestIsLost() {
        var bench = Bench()
        _ = bench.announce("stays")
        _ = bench.announce("goes", host: "b.local", address: "10.0.0.2")
        bench.view.disconnected(at: bench.now)
        bench.asked = []
        #expect(bench.pass(.seconds(60)) == [])
        #expect(bench.announce("stays") == [])
        bench.view.allForNow(at: bench.now)
        #expect(Self.lines(bench.pass()) == ["all"])
        #expect(Self.lines(bench.pass(.seconds(3))) == ["lost goes@b.local"])
        #expect(bench.view.count == 1)
    }

    @Test func namesBeyondTheLimitAreCountedAndSaidOnce() {
        var bench = Bench { $0.names = 100 }
        for number in 0..<10_000 {
            bench.appear("n\(number)")
            _ = bench.pass(.milliseconds(1))
            #expect(bench.view.count <= 100)
        }
        #expect(bench.view.counts.refused == 9900)
        #expect(bench.warnings == [.tooMany])
        #expect(bench.asked.count <= 128)
    }

    @Test func aServiceThatAnswersGetsRoomAmongThoseThatDoNot() {
        var bench = Bench { $0.names = 100 }
        for number in 0..<200 { bench.appear("n\(number)") }
        _ = bench.pass(.seconds(6))
        #expect(bench.announce("studio") != [])
        #expect(bench.view.count == 100)
        // Those that were refused are seen again by browsing anew, once a minute at the most.
        _ = bench.pass(.seconds(59))
        #expect(bench.browses == 1)
    }

    @Test func servicesThatAnswerKeepTheirPlaces() {
        var bench = Bench { $0.names = 3 }
        for (number, name) in ["a", "b", "c"].enumerated() {
            _ = bench.announce(name, host: "\(name).local", address: "10.0.0.\(number + 1)")
        }
        #expect(bench.announce("d", host: "d.local", address: "10.0.0.4") == [])
        #expect(bench.view.count == 3)
        #expect(bench.pass(.seconds(30)) == [])
    }

    @Test func malformedRecordsAreCountedAndSaidOnce() {
        var bench = Bench()
        bench.appear("studio")
        bench.appear("")
        bench.appear(String(repeating: "a", count: 64))
        _ = bench.pass()
        bench.answer(bench.full("studio"), .service, [1, 2, 3])
        bench.answer(bench.full("studio"), .text, [200, 1])
        #expect(bench.pass() == [])
        #expect(bench.view.counts.malformed == 4)
        #expect(bench.warnings == [.malformed])
    }

    @Test func aHostWithAnyNumberOfAddressesIsKeptToAFew() {
        var bench = Bench()
        _ = bench.announce("studio")
        for number in 0..<1000 { bench.address("a.local", "10.1.\(number / 250).\(number % 250 + 1)") }
        guard case .found(let service)? = bench.pass().last else {
            Issue.record("nothing was told")
            return
        }
        #expect(service.addresses.count <= 64)
    }

    @Test func answersThatNobodyAskedForAreIgnored() {
        var bench = Bench()
        bench.service("studio", host: "a.local")
        bench.address("a.local", "10.0.0.1")
        #expect(bench.view.nextDeadline == nil)
        #expect(bench.view.count == 0)
    }

    @Test func aQueryThatFailsIsMadeAgain() {
        var bench = Bench()
        _ = bench.announce("studio")
        let query = RecordQuery(bench.full("studio"), .service)
        bench.asked.remove(query)
        bench.view.failed(query, at: bench.now)
        #expect(bench.pass() == [])
        #expect(bench.asked.isEmpty)
        _ = bench.pass(.seconds(5))
        #expect(bench.asked.contains(query))
    }
}
