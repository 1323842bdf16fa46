using System.Reflection;
using static Ard.Trainers.Tests.Fixtures.CompiledCode;

namespace Ard.Trainers.Tests.Tensors;

/// <summary>
/// No code of the library calls a member of TorchSharp that makes a number which nothing holds during the native call. The banned symbols
/// say so while one writes, but not of compound assignments (x += y); this reads what was compiled.
/// </summary>
public sealed class UnheldNumbersTests
{
    // Given tensors only, not numbers.
    private static readonly string[] Allowed = ["ScriptModule`2.call"];

    private static readonly HashSet<MethodBase> Unheld = FindUnheld();

    [Fact]
    public void The_library_calls_no_member_that_makes_a_number_which_nothing_holds()
    {
        var calls = from method in Methods(typeof(Ard.Trainers.Attacks.Attack).Assembly)
                    from called in Calls(method)
                    where Unheld.Contains(called) && !Allowed.Contains($"{called.DeclaringType!.Name}.{called.Name}")
                    select $"{method.DeclaringType}.{method.Name} calls {called.DeclaringType}.{called}";
        Assert.Empty(calls.Distinct());
    }

    [Fact]
    public void Those_members_are_the_banned_ones()
    {
        var lines = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "BannedSymbols.txt"));
        var banned = lines.Select(line => line.Split(';')[0]).ToHashSet();
        Type[] owners = [typeof(Scalar), typeof(torch), typeof(Tensor), typeof(nn.functional), typeof(TensorExtensionMethods)];
        var members = Unheld.Where(method => method.IsPublic && owners.Contains(method.DeclaringType)).ToArray();
        Assert.True(members.Length > 100);
        Assert.Empty(members.Select(Id).Except(banned));
    }

    private static HashSet<MethodBase> FindUnheld()
    {
        var callers = (from method in Methods(typeof(Tensor).Assembly) from called in Calls(method) select (method, called))
            .ToLookup(pair => pair.called, pair => pair.method);
        var unheld = new HashSet<MethodBase>();
        // Who converts a number or a tensor to a Scalar hands it on and forgets it; to say how is the business of Arithmetic alone.
        var left = new Queue<MethodBase>(typeof(Scalar).GetMethods().Where(method => method.Name == "op_Implicit")
            .Concat(typeof(ScalarExtensionMethods).GetMethods().Where(method => method.ReturnType == typeof(Scalar)).SelectMany(Callers))
            .Concat(Callers(typeof(Tensor).GetMethod(nameof(Tensor.ToScalar))!)));
        while (left.TryDequeue(out var method))
            if (unheld.Add(method))
                foreach (var caller in Callers(method)) left.Enqueue(caller);
        return unheld;

        IEnumerable<MethodBase> Callers(MethodBase method) => callers[method];
    }

    // As documentation files name it.
    private static string Id(MethodBase method)
    {
        var parameters = string.Join(",", method.GetParameters().Select(parameter => Id(parameter.ParameterType)));
        var name = $"M:{Id(method.DeclaringType!)}.{method.Name}{(parameters == "" ? "" : $"({parameters})")}";
        return method.Name is "op_Implicit" or "op_Explicit" ? $"{name}~{Id(((MethodInfo)method).ReturnType)}" : name;
    }

    private static string Id(Type type) =>
        type.IsArray ? Id(type.GetElementType()!) + "[]"
        : type.IsGenericType ? Id(type.GetGenericTypeDefinition(), type.GetGenericArguments())
        : type.FullName!.Replace('+', '.');

    private static string Id(Type generic, Type[] types) =>
        $"{generic.FullName!.Split('`')[0].Replace('+', '.')}{{{string.Join(",", types.Select(Id))}}}";
}
