import Foundation
package import Logging
import Synchronization

/// The credentials of all profiles, in memory only: looked up once for all who ask, renewed before they end, and looked
/// up anew when AWS's files change.
package actor CredentialStore {
    private struct Key: Hashable, Sendable {
        var profile: String?
        var region: String?
    }

    private enum Outcome: Sendable {
        case found(AWSCredentials)
        case failed(CredentialFailure)
    }

    /// What a look-up came to, and what it hangs on.
    private struct Entry: Sendable {
        var outcome: Outcome
        var obtained: Date
        var files: [String: AWSSurroundings.FileStamp?]
    }

    /// How long a failure is believed while no file changes: one that may pass by itself, and another.
    private static let patience: (transient: TimeInterval, lasting: TimeInterval) = (3, 30)
    /// Before a renewal that failed is tried again while the credentials still hold.
    private static let pause: TimeInterval = 30
    /// How often a verdict looks at the files and at the clock.
    private static let glance: TimeInterval = 2

    private let surroundings: AWSSurroundings
    private let log: Logger
    private var entries: [Key: Entry] = [:]
    private var lookups: [Key: Task<Entry, Never>] = [:]
    /// Counts what was given up, so that a look-up of before is not kept.
    private var generations: [Key: Int] = [:]
    private var nextRenewals: [Key: Date] = [:]

    private struct Verdict {
        var availability: CredentialAvailability
        var seen: Date
        var isBeingRenewed: Bool
    }

    private nonisolated let verdicts = Mutex<[Key: Verdict]>([:])
    /// AWS's files as they were read last, for whoever only asks what a profile says.
    private nonisolated let files = Mutex<(stamps: [AWSSurroundings.FileStamp?], config: AWSConfig)?>(nil)

    package init(_ surroundings: AWSSurroundings, log: Logger) {
        self.surroundings = surroundings
        self.log = log
    }

    /// The credentials of a profile.
    ///
    /// - Parameters:
    ///   - profile: the tier's; nil leaves it to AWS_PROFILE and `default`.
    ///   - region: the tier's, for the STS that is asked for a role; nil leaves it to AWS_REGION, AWS_DEFAULT_REGION
    ///     and the profile.
    /// - Returns: credentials that hold at this moment.
    package func credentials(
        profile: String?, region: String? = nil
    ) async throws(CredentialFailure) -> AWSCredentials {
        let key = Key(profile: profile, region: region)
        let now = surroundings.now()
        if let entry = entries[key], !haveChanged(entry.files) {
            switch entry.outcome {
            case .failed(let failure):
                let patience = failure.isTransient ? Self.patience.transient : Self.patience.lasting
                let age = now.timeIntervalSince(entry.obtained)
                if age >= 0, age < patience { throw failure }
            case .found(let found):
                let lifetime = CredentialLifetime(expiration: found.expiration, obtained: entry.obtained)
                switch lifetime.verdict(at: now) {
                case .fresh: return found
                case .ageing:
                    if mayRenew(key, now) { _ = lookup(key) }
                    return found
                case .old:
                    guard mayRenew(key, now) else { return found }
                    if case .found(let renewed) = await lookup(key).value.outcome { return renewed }
                    // Not renewed, but good: better than nothing.
                    if let end = found.expiration, end > surroundings.now() { return found }
                case .expired: break
                }
            }
        }
        switch await lookup(key).value.outcome {
        case .found(let found): return found
        case .failed(let failure): throw failure
        }
    }

    /// Gives up what is known of a profile, after AWS has said that it does not hold.
    ///
    /// - Parameter used: what AWS refused; nothing is given up where others have replaced it by now.
    package func invalidate(profile: String?, used: AWSCredentials? = nil) {
        for (key, entry) in entries where key.profile == profile {
            if let used, case .found(let found) = entry.outcome, found != used { continue }
            entries[key] = nil
            lookups[key] = nil
            nextRenewals[key] = nil
            generations[key, default: 0] += 1
        }
    }

    /// The region that a profile itself names. AWS_REGION and AWS_DEFAULT_REGION, which come before it, are the
    /// caller's.
    package nonisolated func region(profile: String?) throws(CredentialFailure) -> String? {
        try section(profile).section["region"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Where a service is reached: as the environment and the profile have it, else AWS's own address of the region.
    ///
    /// - Returns: nil without a region.
    package nonisolated func endpoint(
        _ service: AWSEndpoint.Service, profile: String?, region: String?
    ) throws(CredentialFailure) -> AWSEndpoint? {
        try CredentialChain.check(region, profile: profile)
        let (section, config) = try section(profile)
        return AWSEndpoint(
            service, region: region, section: section, config: config, variables: surroundings.variables)
    }

    private nonisolated func section(_ profile: String?) throws(CredentialFailure)
        -> (section: AWSConfig.Section, config: AWSConfig)
    {
        let stamps = [surroundings.configPath, surroundings.credentialsPath].map { surroundings.stamp($0) }
        let config: AWSConfig
        if let known = files.withLock({ $0?.stamps == stamps ? $0?.config : nil }) {
            config = known
        } else {
            config = try AWSConfig.read(surroundings, profile: profile)
            files.withLock { $0 = (stamps, config) }
        }
        let choice = ProfileChoice(profile, variables: surroundings.variables)
        return (try choice.section(of: config), config)
    }

    /// What is known at this moment; never waits. Where that is not known, or may have changed, it is looked up
    /// meanwhile.
    package nonisolated func availability(profile: String?, region: String? = nil) -> CredentialAvailability {
        let key = Key(profile: profile, region: region)
        let now = surroundings.now()
        let (availability, isDue) = verdicts.withLock { verdicts in
            let verdict = verdicts[key] ?? Verdict(availability: .unknown, seen: .distantPast, isBeingRenewed: false)
            let age = now.timeIntervalSince(verdict.seen)
            let isDue = !verdict.isBeingRenewed && (age >= Self.glance || age < 0)
            if isDue {
                verdicts[key] = Verdict(availability: verdict.availability, seen: verdict.seen, isBeingRenewed: true)
            }
            return (verdict.availability, isDue)
        }
        if isDue { Task { await self.renewVerdict(key) } }
        return availability
    }

    private func renewVerdict(_ key: Key) async {
        // As of now: what changes while it is looked up is seen at the next glance.
        let now = surroundings.now()
        let availability: CredentialAvailability
        do {
            // Cheap while nothing has changed: what is known is only held against the clock and the files.
            _ = try await credentials(profile: key.profile, region: key.region)
            availability = .usable
        } catch {
            availability = .unusable(reason: error.advice)
        }
        verdicts.withLock { $0[key] = Verdict(availability: availability, seen: now, isBeingRenewed: false) }
    }

    private nonisolated func note(_ availability: CredentialAvailability, _ key: Key, _ now: Date) {
        verdicts.withLock { verdicts in
            let isBeingRenewed = verdicts[key]?.isBeingRenewed ?? false
            verdicts[key] = Verdict(availability: availability, seen: now, isBeingRenewed: isBeingRenewed)
        }
    }

    private func haveChanged(_ files: [String: AWSSurroundings.FileStamp?]) -> Bool {
        files.contains { surroundings.stamp($0.key) != $0.value }
    }

    private func mayRenew(_ key: Key, _ now: Date) -> Bool {
        if lookups[key] != nil { return true }
        return nextRenewals[key].map { $0 <= now } ?? true
    }

    /// The look-up that is under way, else a new one.
    private func lookup(_ key: Key) -> Task<Entry, Never> {
        if let underway = lookups[key] { return underway }
        let generation = generations[key, default: 0]
        let surroundings = surroundings
        let task = Task {
            let entry = await Self.look(key, surroundings)
            settle(key, entry, generation)
            return entry
        }
        lookups[key] = task
        return task
    }

    private func settle(_ key: Key, _ entry: Entry, _ generation: Int) {
        guard generations[key, default: 0] == generation else { return }
        lookups[key] = nil
        switch entry.outcome {
        case .found:
            nextRenewals[key] = nil
            entries[key] = entry
            note(.usable, key, entry.obtained)
        case .failed(let failure):
            if let known = entries[key], case .found(let found) = known.outcome, !haveChanged(known.files),
                let end = found.expiration, end > entry.obtained
            {
                log.warning(
                    "AWS credentials are not renewed, and hold until \(AWSTimestamp.text(end)): \(failure.summary)")
                nextRenewals[key] = entry.obtained.addingTimeInterval(Self.pause)
                return
            }
            entries[key] = entry
            note(.unusable(reason: failure.advice), key, entry.obtained)
        }
    }

    private static func look(_ key: Key, _ surroundings: AWSSurroundings) async -> Entry {
        // Stamped before they are read: a change in between is seen at the next look.
        var files: [String: AWSSurroundings.FileStamp?] = [:]
        for path in [surroundings.configPath, surroundings.credentialsPath] {
            files[path] = .some(surroundings.stamp(path))
        }
        let outcome: Outcome
        do {
            var chain = try CredentialChain(surroundings, profile: key.profile, region: key.region)
            let result = await chain.outcome()
            files.merge(chain.files) { $1 }
            outcome =
                switch result {
                case .success(let found): .found(found)
                case .failure(let failure): .failed(failure)
                }
        } catch {
            outcome = .failed(error)
        }
        return Entry(outcome: outcome, obtained: surroundings.now(), files: files)
    }
}

extension CredentialChain {
    /// As a value, so that what the chain has noted on its way is there whatever it came to.
    fileprivate mutating func outcome() async -> Result<AWSCredentials, CredentialFailure> {
        do {
            return .success(try await resolve())
        } catch {
            return .failure(error)
        }
    }
}
