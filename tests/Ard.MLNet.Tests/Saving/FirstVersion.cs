namespace Ard.MLNet.Tests.Saving;

/// <summary>What the model Fixtures/classifier-v1.zip gave when it was written.</summary>
internal static class FirstVersion
{
    public static float[][] Scores { get; } = [];
}
