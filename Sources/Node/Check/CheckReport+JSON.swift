import Cluster
import Foundation

extension CheckReport {
    private struct Root: Encodable {
        var tiers: [TierRow]
        var drift: [DriftRow]
        var aliasClashes: [ClashRow]
        var warnings: [WarningRow]
        var memory: Memory
        /// Absent where AWS was not asked.
        var awsAccess: [AccessRow]?
    }

    private struct AccessRow: Encodable {
        var tier: String
        var account: String?
        var arn: String?
        var fault: String?

        init(_ access: HostedAccess) {
            tier = access.tier
            switch access.answer {
            case .identity(let identity): (account, arn) = (identity.account, identity.arn)
            case .fault(let text): fault = text
            }
        }
    }

    private struct TierRow: Encodable {
        var tier: String
        /// `current`, `next`.
        var channel: String
        /// `gguf`, `bedrock`.
        var backend: String
        var model: String
        var repo: String?
        var region: String?
        var profile: String?
        var sizeGB: Double?
        var path: String?
        var bytes: Int64?
        var drift: Bool?
        var huggingFace: Hub?
    }

    private struct Hub: Encodable {
        var fileBytes: Int64?
        var changed: String
        var downloads: Int
    }

    private struct DriftRow: Encodable {
        var tier: String
        var modelsINI: File
        var llamaSwapYAML: File

        struct File: Encodable {
            var repo: String
            var file: String
        }
    }

    private struct ClashRow: Encodable {
        var alias: String
        var tiers: [String]
    }

    private struct WarningRow: Encodable {
        var file: String
        var line: Int?
        var problem: String
        var fix: String
    }

    private struct Memory: Encodable {
        var limitGB: Double
        var sets: [Row]
        /// MiB; absent where no higher limit is needed.
        var raiseLimitTo: Int?

        struct Row: Encodable {
            var tiers: [String]
            var channel: String
            var weightsGB: Double
            var cacheGB: Double
            var totalGB: Double
            var cacheIsMeasured: Bool
            var verdict: String
        }
    }

    /// For programs: one object, keys in snake case, sorted.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let root = Root(
            tiers: catalog.tiers.flatMap(rows),
            drift: drift.map {
                DriftRow(
                    tier: $0.tier, modelsINI: .init(repo: $0.wanted.repo, file: $0.wanted.file),
                    llamaSwapYAML: .init(repo: $0.running.repo, file: $0.running.file))
            }, aliasClashes: clashes.map { ClashRow(alias: $0.alias, tiers: $0.tiers) },
            warnings: catalog.doubts.map {
                WarningRow(file: $0.file, line: $0.line, problem: $0.problem, fix: $0.fix)
            },
            memory: Memory(
                limitGB: Self.rounded(memory.limit.bytes / 1e9), sets: memory.rows.map(Self.row),
                raiseLimitTo: memory.raisedLimit),
            awsAccess: access.isEmpty ? nil : access.map(AccessRow.init))
        // Only numbers that JSON has no words for could fail it.
        let data = (try? encoder.encode(root)) ?? Data("{}".utf8)
        return String(decoding: data, as: UTF8.self) + "\n"
    }

    private func rows(_ tier: Tier) -> [TierRow] {
        if case .bedrock(let bedrock) = tier.backend {
            let labels: [ModelDownload.Label] = bedrock.nextModelID == nil ? [.current] : [.current, .next]
            return labels.map { label in
                let target = bedrock.target(next: label == .next)
                return TierRow(
                    tier: tier.name, channel: label.rawValue, backend: "bedrock", model: target.modelID,
                    region: target.region, profile: bedrock.profile)
            }
        }
        return weights.filter { $0.download.tier == tier.name }.map { one in
            var hub: Hub?
            if case .model(let model) = one.answer {
                hub = Hub(fileBytes: model.fileBytes, changed: model.changed, downloads: model.downloads)
            }
            let weights = one.download.weights
            return TierRow(
                tier: tier.name, channel: one.download.label.rawValue, backend: "gguf", model: weights.file,
                repo: weights.repo, sizeGB: weights.sizeGB > 0 ? Self.rounded(weights.sizeGB) : nil,
                path: one.found?.path, bytes: one.found?.bytes, drift: one.hasDrifted, huggingFace: hub)
        }
    }

    private static func row(_ row: MemoryMath.Row) -> Memory.Row {
        let verdict =
            switch row.verdict {
            case .fits: "fits"
            case .fitsWithLimit: "needs_raised_limit"
            case .tooBig: "too_big"
            case .unknown: "unknown"
            }
        return Memory.Row(
            tiers: row.tiers, channel: row.label.rawValue, weightsGB: rounded(row.need.weightsGB),
            cacheGB: rounded(row.need.cacheGB), totalGB: rounded(row.totalGB), cacheIsMeasured: row.need.isMeasured,
            verdict: verdict)
    }

    private static func rounded(_ value: Double) -> Double { (min(value, 1e9) * 1000).rounded() / 1000 }
}
