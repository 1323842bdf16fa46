using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>The dispose scopes of a thread, innermost last, and what went through them.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager threadManager;

    internal readonly List<DisposeScope> Scopes = [];
    internal readonly ThreadDisposeScopeStatistics ThreadStatistics = new();

    internal static DisposeScopeManager Current => threadManager ??= new DisposeScopeManager();

    public static ThreadDisposeScopeStatistics Statistics => Current.ThreadStatistics;

    internal DisposeScope Innermost => Scopes.Count > 0 ? Scopes[^1] : null;

    internal static DisposeScope NewDisposeScope()
    {
        var manager = Current;
        var scope = new DisposeScope(manager, manager.Innermost);
        manager.Scopes.Add(scope);
        return scope;
    }

    /// <summary>Puts a new tensor into the innermost scope of this thread; returns that scope, or null.</summary>
    internal static DisposeScope Register(Tensor tensor)
    {
        var manager = Current;
        var statistics = manager.ThreadStatistics.TensorStatistics;
        if (manager.Innermost is { } scope)
        {
            scope.Items.Add(tensor);
            statistics.CreatedInScopeCount++;
            return scope;
        }
        statistics.CreatedOutsideScopeCount++;
        return null;
    }
}

/// <summary>Disposes what was created in it, unless it was moved or detached.</summary>
public sealed class DisposeScope : IDisposable
{
    private readonly DisposeScopeManager manager;
    private readonly DisposeScope outer;
    private bool disposed;
    internal readonly HashSet<IDisposable> Items = new(ReferenceEqualityComparer.Instance);

    internal DisposeScope(DisposeScopeManager manager, DisposeScope outer) => (this.manager, this.outer) = (manager, outer);

    public int DisposablesCount => Items.Count;

    public IReadOnlyList<IDisposable> DisposablesView => Items.ToList();

    public bool Contains(IDisposable disposable) => Items.Contains(disposable);

    public void Attach(IDisposable disposable)
    {
        if (disposable is Tensor tensor)
        {
            if (tensor.OwningScope is { } owner) owner.Items.Remove(tensor);
            else Statistics.AttachedToScopeCount++;
            tensor.OwningScope = this;
        }
        Items.Add(disposable);
    }

    public void Attach(params IDisposable[] disposables)
    {
        foreach (var disposable in disposables) Attach(disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        if (Items.Remove(disposable))
        {
            if (disposable is Tensor tensor) tensor.OwningScope = null;
            Statistics.DetachedFromScopeCount++;
        }
        return disposable;
    }

    public (T1, T2) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable => (Detach(first), Detach(second));

    public void Detach(params IDisposable[] disposables)
    {
        foreach (var disposable in disposables) Detach(disposable);
    }

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(outer, disposable);

    public (T1, T2) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second));

    public (T1, T2, T3) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable =>
        (MoveToOuter(first), MoveToOuter(second), MoveToOuter(third));

    public void MoveToOuter(params IDisposable[] disposables)
    {
        foreach (var disposable in disposables) MoveToOuter(disposable);
    }

    public T MoveToOther<T>(DisposeScope scope, T disposable) where T : IDisposable
    {
        if (!Items.Remove(disposable)) return disposable;
        if (disposable is Tensor tensor) tensor.OwningScope = scope;
        if (scope is null) Statistics.DetachedFromScopeCount++;
        else scope.Items.Add(disposable);
        return disposable;
    }

    public void DisposeEverything() => DisposeEverythingBut([]);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        var keep = new HashSet<IDisposable>(inKeep, ReferenceEqualityComparer.Instance);
        foreach (var item in Items.Where(item => !keep.Contains(item)).ToArray())
        {
            Items.Remove(item);
            if (item is Tensor tensor)
            {
                if (!tensor.IsInvalid) Statistics.DisposedInScopeCount++;
                tensor.DisposeByScope();
            }
            else
            {
                item.Dispose();
            }
        }
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        if (!Items.Remove(disposable)) return;
        if (disposable is Tensor tensor) tensor.OwningScope = null;
        Statistics.DisposedInScopeCount++;
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        DisposeEverything();
        manager.Scopes.Remove(this);
    }

    private LifetimeStatistics Statistics => manager.ThreadStatistics.TensorStatistics;
}

public class LifetimeStatistics
{
    public long CreatedOutsideScopeCount { get; internal set; }
    public long DisposedOutsideScopeCount { get; internal set; }
    public long CreatedInScopeCount { get; internal set; }
    public long DisposedInScopeCount { get; internal set; }
    public long AttachedToScopeCount { get; internal set; }
    public long DetachedFromScopeCount { get; internal set; }

    public long ThreadTotalLiveCount => CreatedInScopeCount + CreatedOutsideScopeCount - DisposedInScopeCount - DisposedOutsideScopeCount;

    public void Reset() => CreatedOutsideScopeCount = DisposedOutsideScopeCount = CreatedInScopeCount = DisposedInScopeCount =
        AttachedToScopeCount = DetachedFromScopeCount = 0;

    public override string ToString() =>
        $"ThreadTotalLiveCount: {ThreadTotalLiveCount}; created outside {CreatedOutsideScopeCount}, in scope {CreatedInScopeCount}; " +
        $"disposed outside {DisposedOutsideScopeCount}, in scope {DisposedInScopeCount}; " +
        $"attached {AttachedToScopeCount}, detached {DetachedFromScopeCount}";
}

/// <summary>Counts of this thread. There are tensors only here, no packed sequences.</summary>
public class ThreadDisposeScopeStatistics
{
    public LifetimeStatistics TensorStatistics { get; } = new();
    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;
    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;
    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;
    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;
    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;
    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;
    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;
    public void Reset() => TensorStatistics.Reset();
    public override string ToString() => TensorStatistics.ToString();
}

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.NewDisposeScope();

    public static DisposeScope CurrentDisposeScope => DisposeScopeManager.Current.Innermost;

    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using var scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }
}
