import Foundation
import Logging
import Node
import Synchronization
import Testing

struct CredentialsStoreTests {
    /// A profile p whose role STS lends as AKID1, AKID2 and so on, for an hour, while it is up.
    private final class Scene: Sendable {
        private final class Control: Sendable {
            let isUp = Atomic(true)
            let gate = Gate()
        }

        private let control = Control()
        let world: CredentialsWorld
        let store: CredentialStore

        init() {
            let control = control
            world = CredentialsWorld(
                config: "[profile p]\nrole_arn = r\nsource_profile = base\n[profile bare]\n",
                credentials: "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n",
                answer: { (request, world) async throws(CurlFailure) in
                    await control.gate.pass()
                    guard request.url.hasPrefix("https://sts"), control.isUp.load(ordering: .relaxed) else {
                        throw CurlFailure(.untrusted, reason: "down")
                    }
                    return .lent("AKID\(world.requests.count)", until: world.now.addingTimeInterval(3600))
                })
            store = CredentialStore(world.surroundings, log: Logger(label: "test"))
        }

        var gate: Gate { control.gate }

        func setUp(_ isUp: Bool) { control.isUp.store(isUp, ordering: .relaxed) }

        func key() async throws -> String { try await store.credentials(profile: "p").accessKey }

        /// A condition that comes about by itself, soon.
        func eventually(_ condition: () async throws -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(10)
            while try await !condition() {
                try #require(ContinuousClock.now < deadline)
                await Task.yield()
            }
        }
    }

    /// Closed, it holds whoever comes.
    private final class Gate: Sendable {
        private struct State {
            var isOpen = true
            var waiting: [CheckedContinuation<Void, Never>] = []
        }

        private let state = Mutex(State())

        func pass() async {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
        }

        func close() { state.withLock { $0.isOpen = false } }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
    }

    /// Lifetime and age in seconds.
    @Test(
        arguments: [
            (3600, 0, .fresh), (3600, 2700, .fresh), (3600, 2701, .ageing), (3600, 3000, .ageing), (3600, 3001, .old),
            (3600, 3599, .old), (3600, 3600, .expired), (900, 600, .fresh), (900, 601, .ageing), (900, 701, .old),
            (43_200, 42_300, .fresh), (43_200, 42_301, .ageing), (43_200, 42_601, .old), (nil, 1_000_000_000, .fresh),
            (-5, 0, .expired),
        ] as [(Double?, Double, CredentialLifetime.Verdict)])
    func credentialsAreRenewedBeforeTheyEnd(whole: Double?, age: Double, verdict: CredentialLifetime.Verdict) {
        let start = Date(timeIntervalSince1970: 0)
        let lifetime = CredentialLifetime(expiration: whole.map { start.addingTimeInterval($0) }, obtained: start)
        #expect(lifetime.verdict(at: start.addingTimeInterval(age)) == verdict)
    }

    @Test func allWhoAskAtOnceAreAnsweredByOneLookUp() async throws {
        let scene = Scene()
        scene.gate.close()
        let asking = (1...50).map { _ in Task { try await scene.key() } }
        try await scene.eventually { !scene.world.requests.isEmpty }
        scene.gate.open()
        for task in asking { #expect(try await task.value == "AKID1") }
        #expect(scene.world.requests.count == 1)
    }

    @Test func renewalMeanwhileHasNobodyWait() async throws {
        let scene = Scene()
        #expect(try await scene.key() == "AKID1")
        scene.world.advance(2710)
        scene.gate.close()
        // Nothing comes through the gate: this would not return if it waited.
        #expect(try await scene.key() == "AKID1")
        #expect(try await scene.key() == "AKID1")
        scene.gate.open()
        try await scene.eventually { try await scene.key() == "AKID2" }
        #expect(scene.world.requests.count == 2)
    }

    @Test func renewalThatFailsLeavesWhatStillHolds() async throws {
        let scene = Scene()
        #expect(try await scene.key() == "AKID1")
        scene.setUp(false)
        scene.world.advance(3100)
        #expect(try await scene.key() == "AKID1")
        #expect(try await scene.key() == "AKID1")
        #expect(scene.world.requests.count == 2)
        #expect(scene.store.availability(profile: "p") == .usable)
        scene.world.advance(31)
        #expect(try await scene.key() == "AKID1")
        #expect(scene.world.requests.count == 3)
        scene.world.advance(600)
        await #expect(throws: CredentialFailure.self) { try await scene.key() }
        scene.setUp(true)
        scene.world.advance(31)
        #expect(try await scene.key() == "AKID5")
    }

    @Test func filesThatChangeAreLookedAtAnew() async throws {
        let scene = Scene()
        #expect(try await scene.key() == "AKID1")
        #expect(try await scene.key() == "AKID1")
        scene.world.write(
            "[p]\naws_access_key_id = AKIDNEW\naws_secret_access_key = s\n", to: "/home/u/.aws/credentials")
        scene.world.write("[profile p]\nregion = r\n", to: "/home/u/.aws/config")
        #expect(try await scene.key() == "AKIDNEW")
        scene.world.write(nil, to: "/home/u/.aws/credentials")
        await #expect(throws: CredentialFailure.self) { try await scene.key() }
    }

    @Test func aFailureIsBelievedForAWhileAndNoLongerThanTheFiles() async throws {
        let scene = Scene()
        scene.setUp(false)
        await #expect(throws: CredentialFailure.self) { try await scene.key() }
        await #expect(throws: CredentialFailure.self) { try await scene.key() }
        #expect(scene.world.requests.count == 1)
        scene.setUp(true)
        scene.world.advance(2)
        await #expect(throws: CredentialFailure.self) { try await scene.key() }
        scene.world.advance(1)
        #expect(try await scene.key() == "AKID2")

        let bare = Scene()
        await #expect(throws: CredentialFailure.self) { try await bare.store.credentials(profile: "bare") }
        bare.world.write(
            "[bare]\naws_access_key_id = AKIDB\naws_secret_access_key = s\n", to: "/home/u/.aws/credentials")
        #expect(try await bare.store.credentials(profile: "bare").accessKey == "AKIDB")
    }

    @Test func whatAWSHasRefusedIsGivenUpOnce() async throws {
        let scene = Scene()
        let first = try await scene.store.credentials(profile: "p")
        await scene.store.invalidate(profile: "p", used: first)
        #expect(try await scene.key() == "AKID2")
        await scene.store.invalidate(profile: "p", used: first)
        await scene.store.invalidate(profile: "other")
        #expect(try await scene.key() == "AKID2")
        await scene.store.invalidate(profile: "p")
        #expect(try await scene.key() == "AKID3")
    }

    @Test func eachRegionHasARoleOfItsOwn() async throws {
        let scene = Scene()
        for region in ["eu-west-1", "us-east-1", "eu-west-1"] {
            _ = try await scene.store.credentials(profile: "p", region: region)
        }
        #expect(
            scene.world.requests.map(\.url) == [
                "https://sts.eu-west-1.amazonaws.com/", "https://sts.us-east-1.amazonaws.com/",
            ])
    }

    @Test func whetherTheyCanBeUsedIsKnownWithoutWaiting() async throws {
        let scene = Scene()
        #expect(scene.store.availability(profile: "p") == .unknown)
        try await scene.eventually { scene.store.availability(profile: "p") == .usable }
        #expect(scene.store.availability(profile: "nowhere") == .unknown)
        try await scene.eventually { scene.store.availability(profile: "nowhere") != .unknown }
        guard case .unusable(let reason) = scene.store.availability(profile: "nowhere") else {
            Issue.record("a profile that is nowhere counts as usable")
            return
        }
        #expect(reason.contains("\"nowhere\""))
        // Who is turned away for it is told what mends it.
        #expect(reason.contains("To mend it: aws configure --profile nowhere"))

        scene.world.write(
            "[nowhere]\naws_access_key_id = A\naws_secret_access_key = s\n", to: "/home/u/.aws/credentials")
        // Nobody looks again within the same moment.
        #expect(scene.store.availability(profile: "nowhere") != .usable)
        scene.world.advance(3)
        try await scene.eventually { scene.store.availability(profile: "nowhere") == .usable }
    }
}
