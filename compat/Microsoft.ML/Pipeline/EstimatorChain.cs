// Stands in for Microsoft.ML.Data: estimators fitted one after another, each on the output of the one before.
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public sealed class EstimatorChain<TLastTransformer> : IEstimator<TransformerChain<TLastTransformer>>
    where TLastTransformer : class, ITransformer
{
    private readonly (IEstimator<ITransformer> Estimator, TransformerScope Scope, bool CacheInput)[] _steps;
    private readonly bool _cacheNext;

    public readonly IEstimator<TLastTransformer> LastEstimator;

    public EstimatorChain() => _steps = Array.Empty<(IEstimator<ITransformer>, TransformerScope, bool)>();

    private EstimatorChain((IEstimator<ITransformer>, TransformerScope, bool)[] steps, IEstimator<TLastTransformer> last, bool cacheNext)
    {
        _steps = steps;
        LastEstimator = last;
        _cacheNext = cacheNext;
    }

    public EstimatorChain<TNewTrans> Append<TNewTrans>(IEstimator<TNewTrans> estimator,
        TransformerScope scope = TransformerScope.Everything)
        where TNewTrans : class, ITransformer
    {
        ArgumentNullException.ThrowIfNull(estimator);
        return new EstimatorChain<TNewTrans>(_steps.Append((estimator, scope, _cacheNext)).ToArray(), estimator, false);
    }

    public EstimatorChain<TLastTransformer> AppendCacheCheckpoint(IHostEnvironment env)
    {
        ArgumentNullException.ThrowIfNull(env);
        return new EstimatorChain<TLastTransformer>(_steps, LastEstimator, true);
    }

    public TransformerChain<TLastTransformer> Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        GetOutputSchema(SchemaShape.Create(input.Schema));
        var transformers = new ITransformer[_steps.Length];
        for (int i = 0; i < _steps.Length; i++)
        {
            if (_steps[i].CacheInput) input = new CacheDataView(input, null);
            transformers[i] = _steps[i].Estimator.Fit(input);
            if (i < _steps.Length - 1) input = transformers[i].Transform(input);
        }
        return new TransformerChain<TLastTransformer>(transformers, _steps.Select(s => s.Scope));
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _steps.Aggregate(inputSchema, (shape, step) => step.Estimator.GetOutputSchema(shape));
    }
}
