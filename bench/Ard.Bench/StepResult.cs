using System.Text.Json.Serialization;

namespace Ard.Bench;

/// <summary>One step on one side.</summary>
/// <param name="Seconds">Wall time.</param>
/// <param name="AttackFirst">Summed cross-entropy that the first attack step saw: must agree between the sides right after a reset.</param>
/// <param name="Loss">The distillation loss; null where only an attack was run.</param>
internal sealed record StepResult(double Seconds, [property: JsonPropertyName("attack_first")] double AttackFirst, double? Loss);
