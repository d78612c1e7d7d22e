# The prompt hook of llmstack for PowerShell, written by: llmstack activate powershell
#
# Within a project (a directory with .llmstack/opencode.json, or one below it) it sets what opencode and llmstack need and
# puts the project in front of the prompt; outside it puts back what was there. Names of directories are data: they are
# joined as strings and never expanded.

function global:_llmstack_find {
    $directory = (Get-Location -PSProvider FileSystem).ProviderPath
    while ($directory) {
        if (Test-Path -LiteralPath ([IO.Path]::Combine($directory, '.llmstack', 'opencode.json')) -PathType Leaf) {
            return $directory
        }
        $directory = [IO.Path]::GetDirectoryName($directory)
    }
    return $null
}

# Channel and URL of the project: what runs, else what is pinned.
function global:_llmstack_marker([string] $project) {
    foreach ($name in 'active-channel', 'default-channel') {
        $file = [IO.Path]::Combine($project, '.llmstack', $name)
        if (Test-Path -LiteralPath $file -PathType Leaf) {
            $words = @([IO.File]::ReadAllText($file).Trim() -split '\s+')
            if ($words[0]) { return @($words[0], $(if ($words.Count -gt 1) { $words[1] } else { '' })) }
        }
    }
    return @('current', '')
}

function global:_llmstack_set([string] $name, $value) {
    if ($null -eq $value) {
        Remove-Item -LiteralPath "Env:$name" -ErrorAction SilentlyContinue
    } else {
        Set-Item -LiteralPath "Env:$name" -Value $value
    }
}

function global:_llmstack_usable([string] $channel) {
    if (-not (Get-Command llmstack -ErrorAction SilentlyContinue)) {
        [Console]::Error.WriteLine('[llmstack] llmstack is not on PATH, so this project is not activated')
        return $false
    }
    return $true
}

# Where opencode asks a router of a cluster with keys itself, Node.js is told of the cluster's authority; and what was there is
# put back.
function global:_llmstack_restore_authorities {
    if (-not $global:_LLMSTACK_PROMPT_ON -and $env:LLMSTACK_WORK_DIR -and
        $env:NODE_EXTRA_CA_CERTS -ceq [IO.Path]::Combine($env:LLMSTACK_WORK_DIR, '.llmstack', 'authorities.pem')) {
        # Another llmstack shell's is not the user's own.
        _llmstack_set NODE_EXTRA_CA_CERTS $null
    }
    if ($global:_LLMSTACK_CA_ON) { _llmstack_set NODE_EXTRA_CA_CERTS $global:_LLMSTACK_CA }
    $global:_LLMSTACK_CA_ON = $false
}

function global:_llmstack_export_authorities([string] $project, [string] $channel, [string] $url) {
    _llmstack_restore_authorities
    $file = [IO.Path]::Combine($project, '.llmstack', 'authorities.pem')
    if ($channel -cne 'external' -or -not $url.StartsWith('https://', [StringComparison]::Ordinal)) { return }
    if (-not (Test-Path -LiteralPath $file -PathType Leaf)) { return }
    $global:_LLMSTACK_CA = $env:NODE_EXTRA_CA_CERTS
    $global:_LLMSTACK_CA_ON = $true
    _llmstack_set NODE_EXTRA_CA_CERTS $file
}

function global:_llmstack_hook {
    $project = _llmstack_find
    $channel, $url = if ($project) { _llmstack_marker $project } else { '', '' }
    $state = if ($project) { $project, $channel, $url -join "`n" } else { '' }
    if ($state -ceq $global:_LLMSTACK_STATE) { return }
    $isFirst = $null -eq $global:_LLMSTACK_STATE
    $global:_LLMSTACK_STATE = $state
    if ($project -and (_llmstack_usable $channel)) {
        _llmstack_export_authorities $project $channel $url
        if (-not $global:_LLMSTACK_PROMPT_ON) {
            # What another llmstack shell left in the environment is not the user's own.
            if ($env:LLMSTACK_WORK_DIR) { _llmstack_set OPENCODE_CONFIG $null; _llmstack_set LLMSTACK_REMOTE_URL $null }
            $global:_LLMSTACK_CONFIG = $env:OPENCODE_CONFIG
            $global:_LLMSTACK_URL = $env:LLMSTACK_REMOTE_URL
        }
        _llmstack_set OPENCODE_CONFIG ([IO.Path]::Combine($project, '.llmstack', 'opencode.json'))
        _llmstack_set LLMSTACK_WORK_DIR $project
        _llmstack_set LLMSTACK_CHANNEL $channel
        _llmstack_set LLMSTACK_ACTIVE '1'
        _llmstack_set LLMSTACK_REMOTE_URL $(if ($url) { $url } else { $null })
        $global:_LLMSTACK_PROMPT_COLOR = switch ($channel) { 'next' { 208 } 'external' { 135 } default { 38 } }
        $global:_LLMSTACK_PROMPT_LABEL = [IO.Path]::GetFileName($project) -replace '[\x00-\x1f\x7f]', '?'
        $global:_LLMSTACK_PROMPT_SUFFIX = if ($url) { ' ' + ($url -replace '[\x00-\x1f\x7f]', '?') } else { '' }
        $global:_LLMSTACK_PROMPT_ON = $true
    } elseif ($global:_LLMSTACK_PROMPT_ON -or ($isFirst -and $env:LLMSTACK_WORK_DIR)) {
        _llmstack_restore_authorities
        _llmstack_set OPENCODE_CONFIG $global:_LLMSTACK_CONFIG
        _llmstack_set LLMSTACK_REMOTE_URL $global:_LLMSTACK_URL
        foreach ($name in 'LLMSTACK_WORK_DIR', 'LLMSTACK_CHANNEL', 'LLMSTACK_ACTIVE') { _llmstack_set $name $null }
        $global:_LLMSTACK_PROMPT_ON = $false
    }
}

# Under Set-StrictMode, reading a variable that was never set is an error. The scope leaves no $name behind.
& {
    $names = 'STATE', 'CONFIG', 'URL', 'CA', 'CA_ON', 'PROMPT_ON', 'PROMPT_COLOR', 'PROMPT_LABEL', 'PROMPT_SUFFIX',
        'INNER_PROMPT'
    foreach ($name in $names) {
        if (-not (Get-Variable -Name "_LLMSTACK_$name" -Scope Global -ErrorAction Ignore)) {
            Set-Variable -Name "_LLMSTACK_$name" -Scope Global -Value $null
        }
    }
}

if (-not $global:_LLMSTACK_INNER_PROMPT) {
    $global:_LLMSTACK_INNER_PROMPT = $function:prompt
    function global:prompt {
        $code = Get-Variable -Name LASTEXITCODE -Scope Global -ValueOnly -ErrorAction Ignore
        _llmstack_hook
        $prefix = ''
        if ($global:_LLMSTACK_PROMPT_ON) {
            $escape = [char] 27
            $label = '[llmstack:' + $global:_LLMSTACK_PROMPT_LABEL + $global:_LLMSTACK_PROMPT_SUFFIX + ']'
            $prefix = if ($env:NO_COLOR) { $label + ' ' } else {
                $escape + '[38;5;' + $global:_LLMSTACK_PROMPT_COLOR + 'm' + $label + $escape + '[0m '
            }
        }
        $global:LASTEXITCODE = $code
        $prefix + (& $global:_LLMSTACK_INNER_PROMPT)
    }
}
