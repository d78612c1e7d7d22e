/// Where a service of AWS's is reached, as AWS's own programs find it.
package struct AWSEndpoint: Equatable, Sendable {
    /// Without a slash at its end.
    package var url: String
    /// What requests to it are signed for.
    package var region: String

    package enum Service: Equatable, Sendable {
        case bedrockRuntime, sts, portal, oidc

        /// In AWS_ENDPOINT_URL_…, and in lower case in a `[services]` section.
        var identifier: String {
            switch self {
            case .bedrockRuntime: "BEDROCK_RUNTIME"
            case .sts: "STS"
            case .portal: "SSO"
            case .oidc: "SSO_OIDC"
            }
        }

        fileprivate var host: String {
            switch self {
            case .bedrockRuntime: "bedrock-runtime"
            case .sts: "sts"
            case .portal: "portal.sso"
            case .oidc: "oidc"
            }
        }
    }

    /// - Parameters:
    ///   - region: nil is only known to STS.
    ///   - section: of the profile that was chosen.
    package init?(
        _ service: Service, region: String?, section: AWSConfig.Section, config: AWSConfig,
        variables: [String: String]
    ) {
        let configured = Self.configured(service, section: section, config: config, variables: variables)
        guard service == .sts else {
            guard let region else { return nil }
            self.region = region
            url = configured ?? Self.regional(service, region, section, variables)
            return
        }
        // Without a region there is the one that was the only one once.
        let isGlobal = region == nil || region == "aws-global"
        let wanted = Self.setting("sts_regional_endpoints", "AWS_STS_REGIONAL_ENDPOINTS", section, variables)
        let isLegacy = wanted?.lowercased() == "legacy" && region.map(Self.legacyRegions.contains) == true
        guard let region, !isGlobal, configured != nil || !isLegacy else {
            url = configured ?? "https://sts.amazonaws.com"
            self.region = "us-east-1"
            return
        }
        self.region = region
        url = configured ?? Self.regional(service, region, section, variables)
    }

    /// Whether it can be a region's name: it becomes a part of a host's.
    package static func isRegion(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let areAllowed = bytes.allSatisfy { byte in
            isDigit(byte) || byte == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        let dash = UInt8(ascii: "-")
        return areAllowed && (1...63).contains(bytes.count) && bytes.first != dash && bytes.last != dash
            && !bytes.allSatisfy(isDigit)
    }

    /// An address that somebody has set, in the order of AWS's reference guide
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html).
    static func configured(
        _ service: Service, section: AWSConfig.Section, config: AWSConfig, variables: [String: String]
    ) -> String? {
        if isOn("ignore_configured_endpoint_urls", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", section, variables) {
            return nil
        }
        let table = section["services"].flatMap { config.services[$0] }?.tables[service.identifier.lowercased()]
        let candidates = [
            variables["AWS_ENDPOINT_URL_\(service.identifier)"], variables["AWS_ENDPOINT_URL"],
            table?["endpoint_url"], section["endpoint_url"],
        ]
        return candidates.lazy.compactMap(\.self).first { !$0.isEmpty }.map { url in
            url.hasSuffix("/") ? String(url.dropLast()) : url
        }
    }

    private static func regional(
        _ service: Service, _ region: String, _ section: AWSConfig.Section, _ variables: [String: String]
    ) -> String {
        let isFIPS = isOn("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT", section, variables)
        let isDual = isOn("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT", section, variables)
        let suffixes = suffixes(of: region)
        // GovCloud's own endpoints are the validated ones.
        let isPlain = isFIPS && !isDual && region.hasPrefix("us-gov-") && service != .bedrockRuntime
        return
            "https://\(service.host)\(isFIPS && !isPlain ? "-fips" : "").\(region).\(isDual ? suffixes.1 : suffixes.0)"
    }

    /// The domains of a region's partition: of IPv4, and of both
    /// (https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json).
    private static func suffixes(of region: String) -> (String, String) {
        let partitions = [
            ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
            ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
            ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"), ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
            ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
            ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ]
        let partition = partitions.first { region.hasPrefix($0.0) }
        return partition.map { ($0.1, $0.2) } ?? ("amazonaws.com", "api.aws")
    }

    /// Those whose STS once was the one for all
    /// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html).
    private static let legacyRegions: Set<String> = [
        "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
        "eu-central-1",
        "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
        "us-west-2",
    ]

    /// The environment's, else the profile's.
    static func setting(
        _ name: String, _ variable: String, _ section: AWSConfig.Section, _ variables: [String: String]
    ) -> String? {
        variables[variable].flatMap { $0.isEmpty ? nil : $0 } ?? section[name]
    }

    static func isOn(
        _ name: String, _ variable: String, _ section: AWSConfig.Section, _ variables: [String: String]
    ) -> Bool {
        setting(name, variable, section, variables)?.lowercased() == "true"
    }
}
