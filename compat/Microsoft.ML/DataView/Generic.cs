// Calls of generic methods whose type argument is known only at run time; made once a column, never a value.
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.Internal;

internal static class Generic
{
    public static object Invoke(object target, string method, Type typeArgument, params object[] arguments) =>
        Invoke(target.GetType(), target, method, new[] { typeArgument }, arguments);

    public static object Invoke(Type owner, string method, Type typeArgument, params object[] arguments) =>
        Invoke(owner, null, method, new[] { typeArgument }, arguments);

    public static object Invoke(Type owner, object target, string method, Type[] typeArguments, params object[] arguments)
    {
        const BindingFlags any = BindingFlags.Instance | BindingFlags.Static
            | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        for (var type = owner; type != null; type = type.BaseType)
        {
            var found = type.GetMember(method, MemberTypes.Method, any).Cast<MethodInfo>()
                .FirstOrDefault(m => m.IsGenericMethodDefinition && m.GetGenericArguments().Length == typeArguments.Length);
            if (found == null) continue;
            try
            {
                return found.MakeGenericMethod(typeArguments).Invoke(target, arguments);
            }
            catch (TargetInvocationException e)
            {
                ExceptionDispatchInfo.Throw(e.InnerException);
            }
        }
        throw new MissingMethodException(owner.FullName, method);
    }
}
