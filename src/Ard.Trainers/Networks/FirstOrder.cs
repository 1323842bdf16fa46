namespace Ard.Trainers.Networks;

/// <summary>
/// Says that a network is asked for logits, and for no derivatives beyond the first in its input: what attacks, teachers and evaluation
/// need. Then its layers may compute in ways that have no second derivatives and leave nothing to be looked at between them.
/// </summary>
internal sealed class FirstOrder : IDisposable
{
    [ThreadStatic]
    private static bool isEnough;

    private readonly bool before = isEnough;

    private FirstOrder() => isEnough = true;

    /// <summary>Whether that holds on this thread.</summary>
    public static bool IsEnough => isEnough;

    /// <summary>On this thread it holds until the result is disposed.</summary>
    public static FirstOrder Use() => new();

    public void Dispose() => isEnough = before;
}
