namespace Ard.Trainers.Data;

/// <summary>What is to be handed over whole, and not left behind where that fails.</summary>
internal static class Ownership
{
    /// <summary>What a function makes of something, which is disposed of if it throws.</summary>
    public static TResult OrDispose<T, TResult>(this T owned, Func<T, TResult> make) where T : IDisposable
    {
        try
        {
            return make(owned);
        }
        catch
        {
            owned.Dispose();
            throw;
        }
    }

    /// <summary>The same after an action, and disposed of if that throws.</summary>
    public static T OrDispose<T>(this T owned, Action<T> prepare) where T : IDisposable => owned.OrDispose(own =>
    {
        prepare(own);
        return own;
    });
}
